"""Adds, changes and removes single subscriptions of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from unicodedata import normalize
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from contacthub_project.core.principal import Principal
from customers.actions.modification import modify_customer
from customers.actions.modification_body import Modification
from customers.domain.merge import Document, for_update, subscriptions_of
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of

PATH = "base.subscriptions"
PLACE = "/base/subscriptions/0"


class Step(Enum):
    """The kind of change of a subscription."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class _SubscriptionChange:
    """A change of a document (`customers.domain.modes.DocumentChange`)."""

    step: Step
    subscription_id: str
    is_whole = False

    def applied(self, existing: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
        """Return the document with the change; raises Conflict, NotFound."""
        known = subscription_in(existing, self.subscription_id)
        if self.step is Step.ADD:
            if known is not None:
                raise Conflict(f"The customer has a subscription {self.subscription_id} already")
            return for_update(existing, given, strict=False)
        if known is None:
            raise NotFound(f"subscription not found {self.subscription_id}")
        if self.step is Step.CHANGE:
            return for_update(existing, given, strict=False)
        rest = [each for each in subscriptions_of(existing) if each is not known]
        return for_update(existing, {"base": {"subscriptions": rest}}, strict=True)


async def add_subscription(
    workspace: WorkspaceRules, customer: CustomerRow, *, body: Mapping[str, Any], by: Principal
) -> Mapping[str, Any]:
    """Return the new subscription; raises Invalid, Forbidden, NotFound, Conflict when it exists.

    `customer` is as the caller has just read it, here and below.
    """
    body = _checked(workspace, body, Step.ADD)
    return await _changed(workspace, customer, Step.ADD, body, by)


async def change_subscription(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    subscription_id: str,
    *,
    body: Mapping[str, Any],
    by: Principal,
) -> Mapping[str, Any]:
    """Return the subscription; sent properties are replaced, null ones removed.

    Its id may be absent and cannot change. Raises Invalid, Forbidden, NotFound.
    """
    body = _checked(workspace, {"id": subscription_id, **body}, Step.CHANGE)
    if normalize("NFC", body["id"]) != normalize("NFC", subscription_id):
        raise Invalid.at("/id", "cannot be changed", "immutable")
    return await _changed(workspace, customer, Step.CHANGE, body, by)


async def remove_subscription(
    workspace: WorkspaceRules, customer: CustomerRow, subscription_id: str, *, by: Principal
) -> None:
    """Remove a subscription; raises NotFound."""
    change = _SubscriptionChange(Step.REMOVE, subscription_id)
    modification = Modification(UUID(customer.id), {}, change, known=customer)
    await modify_customer(workspace, modification, by=by)


def subscription_in(document: Mapping[str, Any], subscription_id: str) -> Any:
    """Return the subscription with an id, in any Unicode form; None when there is none."""
    normalized_id = normalize("NFC", subscription_id)
    return next((each for each in subscriptions_of(document) if each["id"] == normalized_id), None)


async def _changed(
    workspace: WorkspaceRules,
    customer: CustomerRow,
    step: Step,
    body: Mapping[str, Any],
    by: Principal,
) -> Mapping[str, Any]:
    modification = Modification(
        UUID(customer.id),
        _customer_with(body),
        _SubscriptionChange(step, body["id"]),
        known=customer,
    )
    try:
        row = await modify_customer(workspace, modification, by=by)
    except Invalid as invalid:
        raise Invalid(invalid.message, errors=_pointing_into_the_body(invalid)) from None
    changed: Mapping[str, Any] = subscription_in(document_of(row), body["id"])
    return changed


def _checked(workspace: WorkspaceRules, body: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
    """Return the subscription of the body; raises Forbidden, Invalid."""
    if not workspace.customer_schema.has(PATH):
        raise Forbidden("The workspace has disabled subscriptions")
    given, faults = workspace.customer_schema.read_change(_customer_with(body))
    if step is Step.ADD and "subscribed" not in body:
        faults.append(FieldError(f"{PLACE}/subscribed", "is required", "required"))
    if faults:
        raise Invalid(
            "The subscription is not valid", errors=_pointing_into_the_body(Invalid(errors=faults))
        )
    subscription: Mapping[str, Any] = given["base"]["subscriptions"][0]
    return subscription


def _customer_with(subscription: Mapping[str, Any]) -> dict[str, Any]:
    return {"base": {"subscriptions": [dict(subscription)]}}


def _pointing_into_the_body(invalid: Invalid) -> list[Any]:
    return [replace(error, path=error.path.removeprefix(PLACE)) for error in invalid.errors]
