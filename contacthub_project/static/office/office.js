// What the pages of the back-office do in the browser. All of it stands here: the
// Content-Security-Policy lets no script and no handler run that stands in a page.

Object.assign(htmx.config, { allowEval: false, allowScriptTags: false, includeIndicatorStyles: false });

document.addEventListener("DOMContentLoaded", () => {
  // The theme draws icons by the words of a font; those who listen to a page should not hear them.
  for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
    icon.setAttribute("aria-hidden", "true");
  }
  const crontabs = document.getElementById("readable-crontabs");
  if (crontabs) describeCrontab(JSON.parse(crontabs.textContent));
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.matches("[data-goes-to-value]")) location.href = event.target.value;
  else if (form && form.matches("[data-submit-on-change]")) form.requestSubmit();
});

// A box that ticks all boxes of a name; the page says how many are ticked.
document.addEventListener("change", ({ target }) => {
  const ticked = document.querySelector("[data-ticked]");
  if (!ticked || target.type !== "checkbox") return;
  const boxes = [...document.querySelectorAll("input[name=id][form]")];
  if (target.dataset.ticks) for (const box of boxes) box.checked = target.checked;
  const number = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("[data-ticks]");
  all.checked = number === boxes.length;
  all.indeterminate = number > 0 && number < boxes.length;
  const { some, none } = ticked.dataset;
  ticked.textContent = number ? some.replace("{number}", number) : none;
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (event.target.closest("[data-prints]")) window.print();
  if (button) navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
});

// The search box shows what was opened last, until something is typed.
document.addEventListener("focusin", ({ target }) => {
  if (target.id !== "search-input-command" || target.value) return;
  const options = { target: "#command-results", select: "#command-results-list", source: target };
  htmx.ajax("GET", target.getAttribute("hx-get"), options);
});

// A picture that does not load, or that its site lets nobody else show, gives way to the initial.
document.addEventListener("error", ({ target: picture }) => {
  if (!(picture instanceof HTMLImageElement) || !picture.matches(".office-person img")) return;
  picture.nextElementSibling.hidden = false;
  picture.remove();
}, true);

// The crontab that is chosen for a periodic task, in words.
function describeCrontab(words) {
  const select = document.getElementById("id_crontab");
  const field = document.querySelector(".field-crontab");
  if (!select || !field) return;
  const help = field.appendChild(document.createElement("p"));
  const describe = () => (help.textContent = words[select.value] || "");
  select.addEventListener("change", describe);
  describe();
}

// The theme's pages have expressions that Alpine's build without eval does not read: what stands for them.
const READABLE = {
  "sidebarDesktopOpen = !sidebarDesktopOpen; localStorage.setItem('sidebarDesktopOpen', sidebarDesktopOpen ? '1' : '0');":
    "sidebarDesktopOpen = !sidebarDesktopOpen",
  "if (!$event.metaKey && !$event.ctrlKey) selectItem(false, false)":
    "!$event.metaKey && !$event.ctrlKey && selectItem(false, false)",
  "'width: ' + changeListWidth + 'px'": "{ width: changeListWidth + 'px' }",
};

document.addEventListener("alpine:init", () => {
  document.body.setAttribute("x-init", "restorePage()");
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("x-") && value in READABLE) element.setAttribute(name, READABLE[value]);
    }
  }
  // The theme's functions; expressions see no global names.
  for (const name of ["searchForm", "searchDropdown", "searchCommand"]) Alpine.data(name, window[name]);
  Alpine.data("theme", (scheme) => ({
    ...theme(scheme),
    localStorage: { getItem: (key) => localStorage.getItem(key) },
    window: { location: { pathname: location.pathname, search: location.search } },
    restorePage() {
      if (this.activeTab) this.activeTab = getCurrentTab() || this.activeTab;
      this.$watch("sidebarDesktopOpen", (open) => localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0"));
    },
  }));
});

document.addEventListener("DOMContentLoaded", () => {
  // What scrolls is reached by the keyboard too; the theme's search button has a picture and no name.
  for (const each of document.querySelectorAll(".office-scroll, .office-documentation :is(pre, table)")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
  }
  // The theme's page has no main landmark; the skip link leads to it.
  const main = document.getElementById("main");
  main?.setAttribute("role", "main");
  main?.setAttribute("tabindex", "-1");
  const names = document.getElementById("office-names")?.dataset; // pages of signing in have none
  document.getElementById("searchbar-submit")?.setAttribute("aria-label", names.search);
});

// Rows of a list of objects in a form: a new one is a copy of the template with a number of its own.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-adds-row]");
  if (!button) return;
  const list = button.closest("[data-rows]");
  const number = 1000 + list.querySelectorAll(":scope > [data-row]").length;
  const copy = document.createElement("template");
  copy.innerHTML = list.querySelector("template").innerHTML.replaceAll("__number__", number);
  button.parentElement.before(copy.content);
  button.parentElement.previousElementSibling.querySelector("input:not([type=hidden]), select")?.focus();
});

// A form that was refused: its list of faults is read first, and a link opens what its field is folded in.
document.addEventListener("DOMContentLoaded", () => document.querySelector(".office-problems")?.focus());
document.addEventListener("click", ({ target }) => {
  const link = target.closest(".office-problems a");
  const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
});
