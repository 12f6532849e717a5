"""The form of a node's matching rules: what was typed, what it says in words, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from configuration.domain.customer_schema import CustomerSchema
from configuration.domain.matching_policy import MOST_PROPERTIES, MOST_RULES
from configuration.domain.normalizers import Normalizer
from customers.admin.rule_properties import label_of, properties_of

NORMALIZERS = {
    Normalizer.TEXT: gettext_lazy("as text, upper and lower case are the same"),
    Normalizer.EXACT: gettext_lazy("as text, upper and lower case differ"),
    Normalizer.EMAIL: gettext_lazy("as an e-mail address"),
    Normalizer.PHONE: gettext_lazy("as a telephone number"),
}
# The first normalizer of a property that is added.
USUAL = {
    "base.contacts.email": Normalizer.EMAIL,
    "base.contacts.phone": Normalizer.PHONE,
    "base.contacts.mobilePhone": Normalizer.PHONE,
}
FIELD = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.property")
EDIT = re.compile(r"(add|up|drop) ([0-9]{1,2})(?:\.([0-9]{1,2}))?")
PLACE = re.compile(r"/rules/([0-9]{1,2})(?:/properties/([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A property of a rule in the form; `fault` is what the API has against it."""

    path: str = ""
    normalizer: str = ""
    country: str = ""
    gmail: bool = False
    fault: str = ""

    @property
    def in_words(self) -> str:
        form = NORMALIZERS.get(Normalizer(self.normalizer)) if self.is_known else self.normalizer
        sent = self.as_json()
        more = ""
        if sent["country"]:
            more += gettext(", numbers without a prefix of %s") % sent["country"]
        if sent["gmailAliases"]:
            more += gettext(", ignoring dots and +tags of Gmail")
        return f"{label_of(self.path)} ({form}{more})"

    @property
    def is_known(self) -> bool:
        return self.normalizer in set(Normalizer)

    def as_json(self) -> dict[str, Any]:
        """Return the property as the API takes it, without what its normalizer does not have."""
        is_phone, is_email = (self.normalizer == each for each in ("PHONE", "EMAIL"))
        return {
            "property": self.path,
            "normalizer": self.normalizer,
            "country": (self.country or None) if is_phone else None,
            "gmailAliases": self.gmail and is_email,
        }


@dataclass(frozen=True, slots=True)
class RuleRows:
    """A rule in the form."""

    rows: list[PropertyRow] = field(default_factory=lambda: [PropertyRow()])
    fault: str = ""

    @property
    def in_words(self) -> str:
        return gettext(" and ").join(each.in_words for each in self.rows)

    @property
    def may_grow(self) -> bool:
        return len(self.rows) < MOST_PROPERTIES


def rules_of_api(rules: Sequence[Mapping[str, Any]]) -> list[RuleRows]:
    """Return the rules of a node as the form shows them."""
    return [
        RuleRows([
            PropertyRow(
                each["property"], each["normalizer"], each["country"] or "", each["gmailAliases"]
            )
            for each in rule["properties"]
        ])
        for rule in rules
    ]  # fmt: skip


def typed_rules(form: Mapping[str, str]) -> list[RuleRows]:
    """Return the rules of a submitted form, with what its button does to them."""
    found: dict[int, dict[int, PropertyRow]] = {}
    for name in form:
        if place := FIELD.fullmatch(name):
            rule, number = int(place[1]), int(place[2])
            found.setdefault(rule, {})[number] = _typed_row(form, f"{rule}.{number}")
    rules = [
        RuleRows([rows[number] for number in sorted(rows)][:MOST_PROPERTIES])
        for _, rows in sorted(found.items())
    ][:MOST_RULES]
    return _edited(rules, form.get("edit", ""))


def _typed_row(form: Mapping[str, str], at: str) -> PropertyRow:
    path = form.get(f"{at}.property", "")
    return PropertyRow(
        path,
        form.get(f"{at}.normalizer") or USUAL.get(path, Normalizer.TEXT).value,
        form.get(f"{at}.country", ""),
        form.get(f"{at}.gmail") == "on",
    )


def _edited(rules: list[RuleRows], edit: str) -> list[RuleRows]:
    """Return the rules after a button: a rule or a property more or less, or a rule earlier."""
    if edit == "add-rule":
        return [*rules, RuleRows()] if len(rules) < MOST_RULES else rules
    done = EDIT.fullmatch(edit)
    if done is None or int(done[2]) >= len(rules):
        return rules
    act, at = done[1], int(done[2])
    if act == "up":
        earlier = max(0, at - 1)
        rules[earlier], rules[at] = rules[at], rules[earlier]
    elif act == "add" and rules[at].may_grow:
        rules[at].rows.append(PropertyRow())
    elif act == "drop" and done[3] is None:
        del rules[at]
    elif act == "drop":
        rules[at].rows[int(done[3]) : int(done[3]) + 1] = []
    return [rule for rule in rules if rule.rows]


def filled(rules: Sequence[RuleRows]) -> list[RuleRows]:
    """Return the rules without properties and rules that are blank."""
    kept = (replace(rule, rows=[row for row in rule.rows if row.path]) for rule in rules)
    return [rule for rule in kept if rule.rows]


def body_of(rules: Sequence[RuleRows]) -> dict[str, Any]:
    """Return the rules as the API takes them."""
    return {"rules": [{"properties": [row.as_json() for row in rule.rows]} for rule in rules]}


def with_faults(
    rules: Sequence[RuleRows], faults: Mapping[str, str]
) -> tuple[list[RuleRows], list[dict[str, str]]]:
    """Return the rules with the API's faults, and all faults with label and anchor."""
    result, general = list(rules), []
    for at, message in faults.items():
        place = PLACE.match(at)
        if place is None or int(place[1]) >= len(result):
            general.append({"message": message, "label": "", "path": ""})
            continue
        number = int(place[1])
        label = gettext("Rule %(number)s") % {"number": number + 1}
        rule, row = result[number], int(place[2] or 0)
        if place[2] is None or row >= len(rule.rows):
            result[number] = replace(rule, fault=message)
        else:
            rows = [*rule.rows]
            rows[row] = replace(rows[row], fault=message)
            result[number] = replace(rule, rows=rows)
            label += f", {label_of(rows[row].path) if rows[row].path else gettext('property')}"
        general.append({"message": message, "label": label, "path": f"{number}.{row}.property"})
    return result, general


def choices_of(
    schema: CustomerSchema, rules: Sequence[RuleRows]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the properties that a rule may have, as path and label, by group.

    Those that the rules have already are offered although they are disabled by now.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in properties_of(schema):
        if each.kind != "list" and schema.has_scalar(each.path):
            groups.setdefault(each.group, []).append((each.path, each.label))
    known = {path for offered in groups.values() for path, _ in offered}
    rest = sorted(set(_paths(rules)) - known - {""})
    return [
        *groups.items(),
        *([(gettext("Not in use"), [(each, each) for each in rest])] if rest else []),
    ]


def _paths(rules: Sequence[RuleRows]) -> Iterator[str]:
    for rule in rules:
        yield from (row.path for row in rule.rows)
