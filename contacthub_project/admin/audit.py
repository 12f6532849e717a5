"""Writes the audit log of changes made in the back-office."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.urls import resolve

from configuration.actions.access_log import keys_in, record_access
from configuration.models import StaffChange, User
from contacthub_project.api import BASE_PATH
from contacthub_project.api.operations import contract
from contacthub_project.core.identifiers import as_uuid

SECRETS = frozenset({"token", "password", "apiKey", "userKey", "secret"})
HIDDEN = "(hidden)"
WORKSPACE = re.compile(r"/workspaces/([^/]+)")
CUSTOMER = re.compile(r"/customers/([^/]+)")


def record_change(
    user: User, *, method: str, path: str, before: Any, answer: Any, after: Any
) -> None:
    """Record a change that the API has made for a person."""
    match = resolve(BASE_PATH + path)
    template = match.url_name or ""
    workspace = WORKSPACE.search(path)
    customer_id = _customer(template, path, before, answer, after)
    made = [answer["id"]] if isinstance(answer, dict) and answer.get("id") else []
    keys = [*keys_in(match.kwargs), *made, *([customer_id] if customer_id else [])]
    StaffChange.objects.create(
        user=user,
        workspace_id=as_uuid(workspace[1] if workspace else str(answer.get("id"))),
        customer_id=customer_id,
        object_keys=list(dict.fromkeys(str(key)[:255] for key in keys)),
        method=method,
        path=path,
        summary=contract()[template][method].summary,
        before=without_secrets(before),
        after=without_secrets(after if after is not None else answer or None),
    )


def record_view(office: Any, customer_id: UUID) -> None:
    """Record that a person of the staff has looked at a customer's page."""
    record_access(
        user_id=office.user.id,
        workspace_id=office.workspace_id,
        method="GET",
        path=f"{office.path}/customers/{customer_id}",
        summary="View of a customer",
        keys=[str(customer_id)],
        customer_id=customer_id,
    )


def record_action(
    user: User,
    workspace_id: UUID | None,
    summary: str,
    what: str,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Record an action that is no operation of the API."""
    StaffChange.objects.create(
        user=user,
        workspace_id=workspace_id,
        method="POST",
        path=what[:500],
        object_keys=[what[:255]],
        summary=summary,
        before=before,
        after=after,
    )


def without_secrets(value: Any) -> Any:
    """Return the value with the values of SECRETS hidden."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if name in SECRETS and child else without_secrets(child)
            for name, child in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value


def _customer(template: str, path: str, *documents: Any) -> Any:
    """Return the id of the customer that the change is about, None if there is none."""
    named = CUSTOMER.search(path)
    if named:
        return as_uuid(named[1])
    known = "id" if template.endswith("/customers") else "customerId"
    for document in documents:
        if isinstance(document, dict) and document.get(known):
            return as_uuid(str(document[known]))
    return None
