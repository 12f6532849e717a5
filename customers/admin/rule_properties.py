"""The properties that the rule builder offers, with their labels and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_noop

from configuration.domain.customer_schema import LIST_OF, SECRET, CustomerSchema
from configuration.domain.schema_tree import resolve
from contacthub_project.core.text import humanized

_EMPTY = [("IS_NOT_NULL", gettext_noop("is filled")), ("IS_NULL", gettext_noop("is empty"))]
_MOMENTS = [
    ("LAST_DAYS", gettext_noop("is in the last … days")),
    ("BEFORE_LAST_DAYS", gettext_noop("is longer ago than … days")),
    ("EQUALS", gettext_noop("is on")),
    ("GTE", gettext_noop("is on or after")),
    ("LTE", gettext_noop("is on or before")),
    ("BETWEEN", gettext_noop("is between")),
]
# By kind of property: operators in the order in which they are offered.
OPERATORS: Mapping[str, list[tuple[str, str]]] = {
    "text": [
        ("CONTAINS_FOLDED", gettext_noop("contains")),
        ("EQUALS", gettext_noop("is")),
        ("NOT_EQUALS", gettext_noop("is not")),
        ("IN", gettext_noop("is one of")),
        ("NOT_IN", gettext_noop("is none of")),
        *_EMPTY,
    ],
    "choice": [
        ("EQUALS", gettext_noop("is")),
        ("NOT_EQUALS", gettext_noop("is not")),
        ("IN", gettext_noop("is one of")),
        ("NOT_IN", gettext_noop("is none of")),
        *_EMPTY,
    ],
    "number": [
        ("EQUALS", gettext_noop("is")),
        ("NOT_EQUALS", gettext_noop("is not")),
        ("GTE", gettext_noop("is at least")),
        ("LTE", gettext_noop("is at most")),
        ("BETWEEN", gettext_noop("is between")),
        *_EMPTY,
    ],
    "boolean": [("EQUALS", gettext_noop("is")), *_EMPTY],
    "date": [
        ("BIRTHDAY_WITHIN", gettext_noop("has its anniversary within … days")),
        *_MOMENTS,
        *_EMPTY,
    ],
    "moment": [*_MOMENTS, *_EMPTY],
    "list": [
        ("EQUALS", gettext_noop("contains")),
        ("NOT_EQUALS", gettext_noop("does not contain")),
        *_EMPTY,
    ],
}
GROUPS = (
    gettext_noop("Person"),
    gettext_noop("Contacts"),
    gettext_noop("Address"),
    gettext_noop("Subscriptions"),
    gettext_noop("Consents"),
    gettext_noop("Tags"),
    gettext_noop("Own properties"),
    gettext_noop("Jobs"),
    gettext_noop("Educations"),
    gettext_noop("Likes"),
    gettext_noop("Social profile"),
    gettext_noop("Credential"),
    gettext_noop("Record"),
)
LABELS = {
    "base.dob": gettext_noop("Date of birth"),
    "base.pictureUrl": gettext_noop("Picture"),
    "registeredAt": gettext_noop("Registered"),
    "updatedAt": gettext_noop("Changed"),
    "intId": gettext_noop("Number"),
    "sourceInfo.registeredBy": gettext_noop("Registered by source"),
    "sourceInfo.updatedBy": gettext_noop("Changed by source"),
}
TIMES = [
    ("GTE", gettext_noop("at least")),
    ("LTE", gettext_noop("at most")),
    ("EQUALS", gettext_noop("exactly")),
]


@dataclass(frozen=True, slots=True)
class Property:
    """A property that rules can name.

    `kind` is a key of OPERATORS, `input` how a value is put in: text, choice, number, boolean, date
    or moment; that of a list is its elements'.
    """

    path: str
    group: str
    label: str
    kind: str
    input: str
    choices: tuple[str, ...] = ()


def properties_of(schema: CustomerSchema) -> list[Property]:
    """Return the properties of customers that rules can be made of, by group and label."""
    found = []
    for path, kind in schema.kinds().items():
        is_list, value_kind = kind.startswith(LIST_OF), kind.removeprefix(LIST_OF)
        if value_kind not in OPERATORS or path in SECRET:
            continue
        choices = _choices(schema.document, path)
        input_kind = "choice" if choices and value_kind == "text" else value_kind
        group, label = _place(path)
        operators = "list" if is_list else input_kind
        found.append(Property(path, group, label, operators, input_kind, choices))
    return sorted(found, key=lambda each: (GROUPS.index(each.group), each.label))


def label_of(path: str) -> str:
    """Return a dotted path in words: `base.contacts.mobilePhone` is "Contacts: mobile phone"."""
    group, label = _place(path)
    return label if group in {"Person", "Record"} else f"{gettext(group)}: {label.lower()}"


def label_in_group(path: str) -> str:
    """Return the label of a dotted path without its group."""
    return _place(path)[1]


def _place(path: str) -> tuple[str, str]:
    """Return the group in which a property is offered, and its label in the page's language."""
    first, *rest = path.split(".")
    if path in LABELS:
        return ("Person" if first == "base" else "Record"), gettext(LABELS[path])
    if first == "base" and len(rest) > 1 and humanized(rest[0]) in GROUPS:
        group, names = humanized(rest[0]), rest[1:]
    elif first in {"consents", "extended", "tags"}:
        group, names = {"extended": "Own properties"}.get(first, first.capitalize()), rest
    else:
        group, names = ("Person", rest) if first == "base" else ("Record", path.split("."))
    label = " / ".join(gettext(humanized(name)) for name in names).capitalize()
    return group, label


def _choices(document: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the values that the schema allows at a path, if it names them."""
    schema: Any = document
    for name in path.split("."):
        schema = resolve(schema, document)
        if "items" in schema:
            schema = resolve(schema["items"], document)
        schema = schema.get("properties", {}).get(name)
        if schema is None:
            return ()
    schema = resolve(schema, document)
    return tuple(str(each) for each in schema.get("enum", ()) if each is not None)
