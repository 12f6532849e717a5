"""The register of data subject requests: created and answered by hand or by operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import FieldError, Invalid, NotFound, Stale
from contacthub_project.core.principal import Principal
from customers.models import Customer, DataSubjectRequest, RequestState, RequestType
from customers.models.data_subject_request import DUE_DAYS

INVALID_REQUEST = "The request is not valid"
LONGEST_DAYS = 92  # a month, and two more by article 12 (3)


def create_request(
    workspace: WorkspaceRules, values: Mapping[str, Any], *, by: Principal
) -> DataSubjectRequest:
    """Create a request; raises Invalid."""
    today = today_in(workspace)
    received_on = values.get("received_on") or today
    due_on = values.get("due_on") or received_on + timedelta(days=DUE_DAYS)
    request = DataSubjectRequest(
        workspace_id=workspace.id, created_by=by.user_id,
        **dict(values) | {"received_on": received_on, "due_on": due_on},
    )  # fmt: skip
    _check(workspace, request, today)
    request.save(force_insert=True)
    return request


@transaction.atomic
def modify_request(
    workspace: WorkspaceRules,
    request_id: UUID,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    by: Principal,
) -> DataSubjectRequest:
    """Change a request, or its state; absent values stay. Raises NotFound, Stale, Invalid."""
    known = DataSubjectRequest.objects.in_workspace(workspace.id).filter(id=request_id)
    request = known.select_for_update().first()
    if request is None:
        raise NotFound(f"request not found {request_id}")
    if expected_version is not None and expected_version != request.version:
        raise Stale
    before = {name: getattr(request, name) for name in values}
    if before == dict(values):
        return request
    for name, value in values.items():
        setattr(request, name, value)
    _check(workspace, request, today_in(workspace))
    if "state" in values and values["state"] != before["state"]:
        is_open = request.state == RequestState.OPEN
        request.closed_at = None if is_open else timezone.now()
        request.closed_by = None if is_open else by.user_id
    request.version += 1
    request.save()
    return request


def settle_requests(
    workspace: WorkspaceRules,
    kind: RequestType,
    customer_ids: Sequence[UUID],
    *,
    by: Principal,
    receipt_id: UUID | None = None,
) -> None:
    """Answer the open requests that an operation fulfils, within its transaction.

    Without one, an answered request of today is created: the register is complete.
    """
    now = timezone.now()
    done = {
        "state": RequestState.DONE, "closed_at": now, "closed_by": by.user_id,
        "receipt_id": receipt_id,
    }  # fmt: skip
    requests = DataSubjectRequest.objects.about(workspace.id, customer_ids).open()
    if requests.filter(type=kind).update(**done, version=F("version") + 1):
        return
    today = now.astimezone(workspace.zone).date()
    DataSubjectRequest.objects.create(
        workspace_id=workspace.id, type=kind, customer_id=customer_ids[0], created_by=by.user_id,
        received_on=today, due_on=today + timedelta(days=DUE_DAYS), **done,
    )  # fmt: skip


def erase_free_text(workspace_id: UUID, of_people: Q) -> int:
    """Remove the text of requests of people; return the number of those that had some."""
    requests = (
        DataSubjectRequest.objects.in_workspace(workspace_id).filter(of_people).with_free_text()
    )
    return requests.update(subject="", note="", version=F("version") + 1)


def today_in(workspace: WorkspaceRules) -> date:
    """Return the day in the workspace's time zone."""
    return datetime.now(workspace.zone).date()


def _check(workspace: WorkspaceRules, request: DataSubjectRequest, today: date) -> None:
    faults = []
    if request.received_on > today:
        faults.append(FieldError("/receivedOn", "must be a day that has come", "range"))
    latest = request.received_on + timedelta(days=LONGEST_DAYS)
    if not request.received_on <= request.due_on <= latest:
        message = f"must be within {LONGEST_DAYS} days after it was received"
        faults.append(FieldError("/dueOn", message, "range"))
    if request.customer_id is not None:
        customers = Customer.objects.in_workspace(workspace.id).filter(id=request.customer_id)
        if not customers.exists():
            faults.append(FieldError("/customerId", "customer not found", "unknown"))
    elif not request.subject.strip():
        message = "must say who asks, unless customerId does"
        faults.append(FieldError("/subject", message, "required"))
    if faults:
        raise Invalid(INVALID_REQUEST, errors=faults)
