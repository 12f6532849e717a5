"""The schema of customers: the built-in properties with a workspace's changes, compiled."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import is_normalized, normalize

from configuration.domain.disabled_properties import (
    Document,
    disabled_tree,
    with_disabled_of,
    without_disabled,
)
from configuration.domain.extended_properties import disabled_paths, value_schema
from configuration.domain.schema_tree import (
    complete,
    resolve,
    shape_of,
    timestamps_of,
    with_canonical_timestamps,
)
from configuration.domain.validation import DocumentValidator
from contacthub_project.core.errors import Conflict, FieldError
from contacthub_project.core.identifiers import canonical_identifier

BUILT_IN: Mapping[str, Any] = json.loads(
    (Path(__file__).parent / "catalogue" / "customer.json").read_text()
)
# What a customer can be recognised by, or can be made mandatory.
SECTIONS = ("base", "extended")
# The lists whose elements are answered with every property, as the reference's samples show them.
WHOLE_ELEMENTS = frozenset({"subscriptions"})
MOMENT = "moment"
# Kept encrypted, never compared: no search, order, matching or file is made of them.
SECRET = frozenset({"base.credential.password"})
# Properties beside the sections, by what they hold.
SYSTEM_KINDS = {
    "id": "text",
    "intId": "number",
    "nodeId": "text",
    "externalId": "text",
    "extra": "text",
    "enabled": "boolean",
    "registeredAt": MOMENT,
    "updatedAt": MOMENT,
    "version": "number",
    "sourceInfo.registeredBy": "text",
    "sourceInfo.updatedBy": "text",
}
LIST_OF = "list of "
KINDS_BY_FORMAT = {"date": "date", "date-time": MOMENT}


class CustomerSchema:
    """The schema of a workspace's customers.

    `disabled` are dotted paths below `base`, `extended` definitions as
    `configuration.domain.extended_properties` stores them.
    """

    def __init__(
        self, disabled: Iterable[str] = (), extended: Mapping[str, Any] | None = None
    ) -> None:
        extended = extended or {}
        self.document = _document(disabled, extended)
        self._disabled = disabled_tree(
            [("base", *path.split(".")) for path in disabled]
            + [("extended", *path) for path in disabled_paths(extended)]
        )

    def without_disabled(self, body: Document) -> Document:
        """Return the body without disabled properties."""
        return without_disabled(self._disabled, body) if self._disabled else body

    def with_disabled_of(self, before: Mapping[str, Any], after: Document) -> Document:
        """Return `after` with the values of disabled properties taken from `before`."""
        return with_disabled_of(self._disabled, before, after) if self._disabled else after

    def enabled_extended(self, extended: dict[str, Any]) -> dict[str, Any]:
        """Return stored extended properties without disabled ones."""
        disabled = self._disabled.get("extended")
        return without_disabled(disabled, extended) if disabled else extended

    def read(self, body: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        """Return the coerced body of a new customer without disabled properties, and its faults."""
        return self._creation.read(body, prepare=self.without_disabled)

    def read_change(self, body: dict[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
        """As `read` for a changed customer, without system properties."""
        return self._update.read(body, prepare=self.without_disabled)

    def coerced(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body in the forms that the schema names, valid or not."""
        coerced: dict[str, Any] = self._update.coerced(body)
        return coerced

    def update_faults(self, body: Mapping[str, Any]) -> list[FieldError]:
        """Return the faults of a changed customer's body, without system properties."""
        return self._update.faults(body)

    def canonical(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a valid body in the form in which it is stored.

        Timestamps are in UTC with milliseconds, the external id is stripped, it and the ids of
        subscriptions are in Unicode normal form C.
        """
        body = with_canonical_timestamps(self.timestamps, body)
        if isinstance(body.get("externalId"), str):
            body = body | {"externalId": canonical_identifier(body["externalId"])}
        subscriptions = (body.get("base") or {}).get("subscriptions")
        if subscriptions and not all(is_normalized("NFC", each["id"]) for each in subscriptions):
            named = [each | {"id": normalize("NFC", each["id"])} for each in subscriptions]
            body = body | {"base": body["base"] | {"subscriptions": named}}
        return body

    def complete_base(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """Return stored base properties with absent ones as null.

        Elements of lists have only what was given, save those of `WHOLE_ELEMENTS`.
        """
        completed: dict[str, Any] = complete(self._shape["base"], base)
        return completed

    def complete_element(self, name: str, element: Mapping[str, Any]) -> dict[str, Any]:
        """Return an element of a list of `base` with absent properties as null."""
        completed: dict[str, Any] = complete(self._shape["base"][name].shape, element)
        return completed

    def has_scalar(self, path: str) -> bool:
        """Return whether a dotted path names a single value, such as `base.contacts.email`."""
        return path in self._scalars

    def has(self, path: str) -> bool:
        """Return whether a dotted path names a property."""
        return path in self._properties

    def kind_of(self, path: str) -> str | None:
        """Return the kind of the value at a dotted path, None if there is none.

        Kinds are text, number, boolean, moment, date, object, and `list of` these. Properties of
        list elements are lists; system properties are included.
        """
        return self._kinds.get(path)

    def kinds(self) -> Mapping[str, str]:
        """The kinds of all properties of a customer, by dotted path."""
        return self._kinds

    @cached_property
    def _kinds(self) -> dict[str, str]:
        kinds = dict(SYSTEM_KINDS)
        for section in ("base", "extended", "consents", "tags"):
            schema = self.document["properties"][section]
            kinds |= kinds_below(section, schema, self.document)
        return kinds

    @cached_property
    def _creation(self) -> DocumentValidator:
        return DocumentValidator({**self.document, "required": ["nodeId"]})

    @cached_property
    def _update(self) -> DocumentValidator:
        return DocumentValidator(dict(self.document))

    @cached_property
    def timestamps(self) -> Any:
        """The positions of timestamps in a customer (`timestamps_of`)."""
        return timestamps_of(self.document, self.document)

    @cached_property
    def _shape(self) -> Any:
        return shape_of(self.document, self.document, whole=WHOLE_ELEMENTS)

    @cached_property
    def _scalars(self) -> frozenset[str]:
        return frozenset(path for path, single in self._walk() if single)

    @cached_property
    def _properties(self) -> frozenset[str]:
        return frozenset(path for path, _ in self._walk())

    def _walk(self) -> Iterator[tuple[str, bool]]:
        yield "externalId", True
        for section in SECTIONS:
            yield from _paths(section, self.document["properties"][section], self.document)


def base_properties() -> list[str]:
    """Return the paths below `base` of all base properties that can be disabled."""
    walked = _paths("base", BUILT_IN["properties"]["base"], BUILT_IN)
    return [path.removeprefix("base.") for path, _ in walked]


def toggled(disabled: Iterable[str], path: str, *, enabled: bool) -> list[str]:
    """Return the disabled paths after switching one property with all below it.

    Raises Conflict when a property that its parent requires would be disabled, or one whose parent
    is disabled enabled.
    """
    before = set(disabled)
    family = {name for name in base_properties() if name == path or name.startswith(f"{path}.")}
    parent = path.rpartition(".")[0]
    if parent and enabled and parent in before:
        raise Conflict(f"{path} cannot be enabled while {parent} is disabled")
    if parent and not enabled and path.rpartition(".")[2] in _required_in(parent):
        raise Conflict(f"{path} cannot be disabled: {parent} cannot be without it")
    return sorted(before - family if enabled else before | family)


def _required_in(path: str) -> list[str]:
    schema = resolve(BUILT_IN["properties"]["base"], BUILT_IN)
    for name in path.split("."):
        schema = resolve(schema["properties"][name], BUILT_IN)
    required: list[str] = schema.get("required", [])
    return required


def _document(disabled: Iterable[str], extended: Mapping[str, Any]) -> Mapping[str, Any]:
    disabled = list(disabled)
    if not disabled and not extended:
        return BUILT_IN
    document = copy.deepcopy(dict(BUILT_IN))
    # Children first: a parent that has gone has none.
    for path in sorted(disabled, key=lambda path: -path.count(".")):
        schema = resolve(document["properties"]["base"], document)
        *parents, name = path.split(".")
        for parent in parents:
            schema = resolve(schema["properties"][parent], document)
        del schema["properties"][name]
    document["$defs"]["extended"] = value_schema(extended)
    return document


def _paths(
    path: str, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[tuple[str, bool]]:
    """Yield every property at or below `path`, and whether it is a single value."""
    schema = resolve(schema, root)
    if "properties" in schema:
        for name, child in schema["properties"].items():
            deeper = f"{path}.{name}"
            yield deeper, _is_scalar(child, root)
            yield from _paths(deeper, child, root)


def kinds_below(
    path: str, schema: Mapping[str, Any], root: Mapping[str, Any], *, within: str = ""
) -> dict[str, str]:
    """Return the kinds of the properties below `path`, by dotted path."""
    kinds = {}
    for name, child in resolve(schema, root).get("properties", {}).items():
        deeper = f"{path}.{name}"
        child = resolve(child, root)
        is_list = "items" in child
        if is_list:
            child = resolve(child["items"], root)
        inside = LIST_OF if is_list else within
        kinds[deeper] = inside + _kind(child)
        kinds |= kinds_below(deeper, child, root, within=inside)
    return kinds


def _kind(schema: Mapping[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    if schema.get("format") in KINDS_BY_FORMAT:
        return KINDS_BY_FORMAT[schema["format"]]
    types = schema.get("type", ["string"])
    kind = types if isinstance(types, str) else next(each for each in types if each != "null")
    return {"string": "text", "integer": "number"}.get(kind, kind)


def _is_scalar(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    schema = resolve(schema, root)
    return "properties" not in schema and "items" not in schema
