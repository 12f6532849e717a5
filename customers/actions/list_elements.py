"""Adds, replaces and removes single elements of a customer's lists, which have ids.

Subscriptions, which merge by property, have their own actions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, Forbidden, Invalid, NotFound
from contacthub_project.core.principal import Principal
from customers.actions.modification import modify_customer
from customers.actions.modification_body import Modification
from customers.domain.merge import EMPTY, Document, for_update
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of

Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ElementList:
    """A list of `base`; `element` is the name of an element in messages."""

    name: str
    element: str

    @property
    def path(self) -> str:
        return f"base.{self.name}"

    def of(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the elements of a document."""
        found: list[dict[str, Any]] = document["base"].get(self.name) or []
        return found

    def holding(self, elements: list[Any]) -> dict[str, Any]:
        """Return the body of a customer that consists of these elements."""
        return {"base": {self.name: elements}}

    def disabled(self) -> Forbidden:
        return Forbidden(f"The workspace has disabled {self.name}")

    def not_found(self, element_id: str) -> NotFound:
        return NotFound(f"{self.element} not found {element_id}")


EDUCATIONS = ElementList("educations", "education")
JOBS = ElementList("jobs", "job")
LIKES = ElementList("likes", "like")


# Makes the new elements of the stored ones and the sent one (empty when one is removed);
# raises Conflict, NotFound.
Change = Callable[[list[Any], dict[str, Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class _ElementChange:
    """A change of a document (`customers.domain.modes.DocumentChange`)."""

    elements: ElementList
    change: Change
    is_whole = False

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
        """The document with the change; raises Conflict, NotFound, Forbidden."""
        new: dict[str, Any] = {}
        if given:
            sent = self.elements.of(given)
            if not sent:
                # Disabled since the request began.
                raise self.elements.disabled()
            new = sent[0]
        changed = self.change(self.elements.of(existing), new)
        return for_update(existing, self.elements.holding(changed), strict=False)


async def add_element(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    elements: ElementList,
    *,
    body: Element,
    by: Principal,
) -> Element:
    """Return the new element; without an id it gets one made of its content.

    `customer` is as the caller has just read it, here and below.
    Raises Invalid, Forbidden, NotFound, and Conflict when the customer has one with this id.
    """

    def add(known: list[Any], new: dict[str, Any]) -> list[Any]:
        added = elements.of(for_update(EMPTY, elements.holding([new]), strict=False))[0]
        if element_with(known, added["id"]) is not None:
            raise Conflict(f"The customer already has the {elements.element} {added['id']}")
        return [*known, added]

    written = await _written(workspace, customer, _ElementChange(elements, add), body, by)
    return written[-1]


async def replace_element(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    elements: ElementList,
    element_id: str,
    *,
    body: Element,
    by: Principal,
) -> Element:
    """Return the element, replaced as a whole.

    Its id may be absent and cannot change. Raises Invalid, Forbidden, NotFound.
    """
    if isinstance(body.get("id"), str) and not _is_same(body["id"], element_id):
        raise Invalid.at("/id", "cannot be changed", "immutable")

    def replaced(known: list[Any], new: dict[str, Any]) -> list[Any]:
        old = element_with(known, element_id)
        if old is None:
            raise elements.not_found(element_id)
        return [{**new, "id": old["id"]} if each is old else each for each in known]

    written = await _written(workspace, customer, _ElementChange(elements, replaced), body, by)
    found = element_with(written, element_id)
    assert found is not None, "it has just been written"
    return found


async def remove_element(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    elements: ElementList,
    element_id: str,
    *,
    by: Principal,
) -> None:
    """Remove an element; raises NotFound, and Invalid for the last one of a mandatory list."""

    def removed(known: list[Any], _: dict[str, Any]) -> list[Any]:
        old = element_with(known, element_id)
        if old is None:
            raise elements.not_found(element_id)
        return [each for each in known if each is not old]

    _check_enabled(workspace, elements)
    change = _ElementChange(elements, removed)
    modification = Modification(UUID(customer.id), {}, change, known=customer)
    await modify_customer(workspace, modification, by=by)


def element_with(elements: Sequence[Any], element_id: str) -> Element | None:
    """Return the element with an id, in any Unicode form; None when there is none."""
    return next((each for each in elements if _is_same(each["id"], element_id)), None)


def _is_same(one: str, other: str) -> bool:
    return normalize("NFC", one) == normalize("NFC", other)


def _check_enabled(workspace: WorkspaceRules, elements: ElementList) -> None:
    if not workspace.customer_schema.has(elements.path):
        raise elements.disabled()


async def _written(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    change: _ElementChange,
    body: Element,
    by: Principal,
) -> list[dict[str, Any]]:
    """Return the elements after a change with a body; faults point into the body."""
    elements = change.elements
    _check_enabled(workspace, elements)
    sent = elements.holding([dict(body)])
    modification = Modification(UUID(customer.id), sent, change, known=customer)
    try:
        return elements.of(document_of(await modify_customer(workspace, modification, by=by)))
    except Invalid as invalid:
        place = f"/base/{elements.name}/0"
        errors = [replace(error, path=error.path.removeprefix(place)) for error in invalid.errors]
        raise Invalid(f"The {elements.element} is not valid", errors=errors) from None
