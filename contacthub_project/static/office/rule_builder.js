// Rules of the customer list: groups of conditions on properties and behaviour. The tree is kept as
// JSON in a hidden field, in the form that customers/admin/rule_trees.py documents. What can be chosen, and all
// texts in the language of the page, are given by customers/admin/rule_options.py.

document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll("[data-rule-builder]")) {
    const options = JSON.parse(document.getElementById(place.dataset.ruleBuilder).textContent);
    new RuleBuilder(place, options);
  }
});

const WITHOUT_VALUE = new Set(["IS_NULL", "IS_NOT_NULL"]);
const OF_DAYS = new Set(["LAST_DAYS", "BEFORE_LAST_DAYS", "BIRTHDAY_WITHIN"]);
const OF_MANY = new Set(["IN", "NOT_IN"]);
const COUNTED_BY = new Set(["node", "q", "rules"]);
const COUNT_AFTER = 400; // milliseconds without a change

// Returns a new element with attributes and children; properties begin with a dot.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith(".")) made[key.slice(1)] = value;
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Returns a select of [value, label] pairs.
function select(pairs, chosen, label, change) {
  const options = pairs.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
  const made = element("select", { "aria-label": label }, ...options);
  made.addEventListener("change", () => change(made.value));
  return made;
}

// Returns the nodes of a sentence such as "between {from} and {to}", with elements in their places.
function sentence(text, elements) {
  return text.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? elements[part] : part)).filter(Boolean);
}

class RuleBuilder {
  constructor(place, options) {
    this.options = options;
    this.texts = options.texts;
    this.byPath = new Map(options.properties.map((each) => [each.path, each]));
    this.field = place.querySelector("input[type=hidden]");
    this.count = place.querySelector("[data-count]");
    this.tree = JSON.parse(this.field.value || '{"match": "all", "rules": []}');
    this.body = element("div");
    place.prepend(this.body);
    this.render();
    if (this.count && "atOnce" in this.count.dataset) this.recount();
  }

  render() {
    this.body.replaceChildren(this.group(this.tree, null));
  }

  changed() {
    this.field.value = JSON.stringify(this.tree);
    clearTimeout(this.timer);
    if (this.count) this.timer = setTimeout(() => this.recount(), COUNT_AFTER);
  }

  // Shows how many customers the rules find, as the server counts them.
  async recount() {
    this.asking?.abort();
    this.asking = new AbortController();
    const fields = [...new FormData(this.field.form)].filter(([name]) => COUNTED_BY.has(name));
    const query = new URLSearchParams(fields);
    try {
      const answer = await fetch(`${this.count.dataset.count}?${query}`, { signal: this.asking.signal });
      this.count.textContent = answer.ok ? (await answer.json()).text : this.texts.noCount;
    } catch (error) {
      if (error.name !== "AbortError") this.count.textContent = this.texts.noCount;
    }
  }

  group(group, parent) {
    const match = select(
      [["all", this.texts.all], ["any", this.texts.any]], group.match, this.texts.allOrAny,
      (value) => { group.match = value; this.changed(); },
    );
    const rows = element("div", { class: "office-rules" });
    for (const rule of group.rules) rows.append(this.row(rule, group));
    const add = (rule) => {
      group.rules.push(rule);
      const row = this.row(rule, group);
      rows.append(row);
      row.querySelector("select, input")?.focus();
      this.changed();
    };
    const button = (label, rule) => {
      const made = element("button", { type: "button", class: "office-button" }, label);
      made.addEventListener("click", () => add(rule()));
      return made;
    };
    const depth = this.depth(group);
    const buttons = [
      button(this.texts.addRule, () => ({ property: "base.lastName", operator: "CONTAINS_FOLDED", value: "" })),
    ];
    if (this.options.events.length) {
      buttons.push(button(this.texts.addBehaviour, () => (
        { event: this.options.events[0][0], did: true, operator: "GTE", times: 1, days: 30 }
      )));
    }
    if (depth < this.options.deepest) buttons.push(button(this.texts.addGroup, () => ({ match: "any", rules: [] })));
    const legend = element("legend", {}, ...sentence(this.texts.customersWhoMatch, { match }));
    if (parent) legend.append(" ", this.remover(group, parent, this.texts.removeGroup));
    return element(
      "fieldset", { class: parent ? "office-card" : "" }, legend, rows,
      element("div", { class: "office-actions" }, ...buttons),
    );
  }

  depth(group, within = this.tree, depth = 1) {
    if (within === group) return depth;
    for (const each of within.rules) {
      const found = each.rules && this.depth(group, each, depth + 1);
      if (found) return found;
    }
    return 0;
  }

  remover(rule, parent, label) {
    const button = element("button", { type: "button", class: "office-button", "aria-label": label }, this.texts.remove);
    button.addEventListener("click", () => {
      parent.rules.splice(parent.rules.indexOf(rule), 1);
      this.render();
      this.body.querySelector("button")?.focus();
      this.changed();
    });
    return button;
  }

  row(rule, parent) {
    if (rule.rules) return this.group(rule, parent);
    const row = element("div", { class: "office-row" });
    const fill = () => row.replaceChildren(
      ...(rule.event ? this.behaviour(rule, fill) : this.comparison(rule, fill)),
      this.remover(rule, parent, this.texts.removeRule),
    );
    fill();
    return row;
  }

  // Rows are filled anew when what stands before a field changes; the focus stays where it was.
  refill(row, fill) {
    const label = document.activeElement?.getAttribute("aria-label");
    fill();
    if (label) row().querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
    this.changed();
  }

  comparison(rule, fill) {
    const property = this.byPath.get(rule.property);
    const groups = this.options.groups.map((name) => {
      const within = this.options.properties.filter((each) => each.group === name);
      const options = within.map((each) => (
        element("option", { value: each.path, selected: each.path === rule.property }, each.label)
      ));
      return element("optgroup", { label: name }, ...options);
    }).filter((each) => each.children.length);
    if (!property) groups.unshift(element("option", { value: rule.property, selected: true }, rule.property));
    const properties = element("select", { "aria-label": this.texts.property }, ...groups);
    const again = () => this.refill(() => properties.isConnected ? properties.parentNode : this.body, fill);
    properties.addEventListener("change", () => {
      const operators = this.options.operators[this.byPath.get(properties.value).kind].map(([id]) => id);
      rule.property = properties.value;
      if (!operators.includes(rule.operator)) rule.operator = operators[0];
      rule.value = "";
      again();
    });
    const offered = property ? this.options.operators[property.kind] : [[rule.operator, rule.operator]];
    const operators = select(offered, rule.operator, this.texts.comparison, (value) => {
      const keeps = OF_MANY.has(value) === OF_MANY.has(rule.operator)
        && OF_DAYS.has(value) === OF_DAYS.has(rule.operator)
        && (value === "BETWEEN") === (rule.operator === "BETWEEN");
      rule.operator = value;
      if (!keeps) rule.value = "";
      again();
    });
    return [properties, operators, ...this.values(rule, property)];
  }

  values(rule, property) {
    const { operator } = rule;
    if (WITHOUT_VALUE.has(operator)) return [];
    const put = (value) => { rule.value = value; this.changed(); };
    if (OF_DAYS.has(operator)) {
      if (rule.value === "") rule.value = "30";
      const days = this.input(
        "number", rule.value, this.texts.days, put, { min: 0, max: this.options.mostDays, class: "office-short" },
      );
      return sentence(this.texts.numberOfDays, { days });
    }
    const kind = property?.input || "text";
    if (OF_MANY.has(operator)) {
      const text = [rule.value].flat().join("; ");
      const split = (value) => put(value.split(";").map((each) => each.trim()).filter(Boolean));
      return [this.input("text", text, this.texts.values, split, { placeholder: this.texts.someValues })];
    }
    if (operator === "BETWEEN") {
      const both = [rule.value].flat();
      const part = (index, label) => this.input(this.type(kind), both[index] || "", label, (value) => {
        both[index] = value;
        put([both[0] || "", both[1] || ""]);
      });
      return sentence(this.texts.range, { from: part(0, this.texts.from), to: part(1, this.texts.to) });
    }
    if (kind === "boolean" || kind === "choice") {
      const pairs = kind === "boolean"
        ? [["true", this.texts.yes], ["false", this.texts.no]] : property.choices.map((each) => [each, each]);
      if (!pairs.some(([value]) => value === rule.value)) rule.value = pairs[0][0];
      return [select(pairs, rule.value, this.texts.value, put)];
    }
    return [this.input(this.type(kind), rule.value, this.texts.value, put)];
  }

  type(kind) {
    return { number: "number", date: "date", moment: "date" }[kind] || "text";
  }

  input(type, value, label, put, more = {}) {
    const attributes = type === "number" ? { step: "any" } : {};
    const made = element("input", { type, "aria-label": label, ".value": value ?? "", ...attributes, ...more });
    made.addEventListener("input", () => put(made.value));
    return made;
  }

  behaviour(rule, fill) {
    let row;
    const again = () => this.refill(() => row.parentNode || this.body, fill);
    const put = (name, empty) => (value) => { rule[name] = value === "" ? empty : value; this.changed(); };
    const did = select(
      [["true", this.texts.did], ["false", this.texts.didNot]], String(rule.did), this.texts.didOrDidNot, (value) => {
        rule.did = value === "true";
        if (rule.did) Object.assign(rule, { operator: rule.operator || "GTE", times: rule.times ?? 1 });
        again();
      },
    );
    row = did;
    const event = select(this.options.events, rule.event, this.texts.typeOfEvent, put("event"));
    const days = this.input("number", rule.days, this.texts.days, put("days", null),
      { min: 0, placeholder: this.texts.ever, class: "office-short" });
    if (!rule.did) return sentence(this.texts.didNotSentence, { did, event, days });
    const often = select(this.options.times, rule.operator, this.texts.howOften, put("operator"));
    const times = this.input("number", rule.times, this.texts.times, put("times", ""),
      { min: 0, class: "office-short" });
    return sentence(this.texts.didSentence, { did, event, often, times, days });
  }
}
