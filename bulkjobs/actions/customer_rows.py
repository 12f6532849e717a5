"""Applies rows about customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bulkjobs.actions.rows import Row, RowResult, applied_singly, without_foreign_ids
from bulkjobs.models import BulkJob, BulkJobOperation, Outcome
from configuration.queries.rules import NodeRules, WorkspaceRules
from contacthub_project.core.errors import Invalid, NotFound
from contacthub_project.core.identifiers import as_uuid, canonical_identifier
from contacthub_project.core.principal import Principal
from contacthub_project.runtime.blocking import run_blocking
from customers.actions.bulk_upsert import Upserted, upsert_many
from customers.actions.deletion import delete_customer
from customers.actions.modification import modify_customer
from customers.actions.modification_body import Modification
from customers.actions.validation import CUSTOMER_BYTES, required_faults
from customers.domain.merge import EMPTY, for_create
from customers.domain.modes import Mode
from customers.models import Customer
from customers.queries.recognition import recognised


def upsert_customers(
    workspace: WorkspaceRules, node: NodeRules, job: BulkJob, rows: Sequence[Row], by: Principal
) -> list[RowResult]:
    """Create or merge customers; those with an id in the row are changed as by PATCH.

    An id of no customer of the node is ignored: the row comes from another node.
    """
    rows, results = without_foreign_ids(rows)
    results += [
        RowResult.failure(row.number, (), f"is larger than {CUSTOMER_BYTES} bytes")
        for row in rows
        if row.size > CUSTOMER_BYTES
    ]
    fitting = [row for row in rows if row.size <= CUSTOMER_BYTES]
    versions = {}
    if job.operation == BulkJobOperation.UPSERT:
        versions = _versions(workspace, node, fitting)
    known = [row for row in fitting if _id_of(row) in versions]
    results += applied_singly(known, lambda row: _change(workspace, row, versions, by))
    others = [row for row in fitting if _id_of(row) not in versions]
    bodies = [{name: value for name, value in row.body.items() if name != "id"} for row in others]
    inserts_only = job.operation == BulkJobOperation.INSERT
    done = upsert_many(workspace, node.id, bodies, inserts_only=inserts_only, by=by)
    for row, outcome in zip(others, done, strict=True):
        if isinstance(outcome, Upserted):
            results.append(RowResult(row.number, outcome.how, outcome.customer_id))
        else:
            results.append(row.refused(outcome))
    return results


def _id_of(row: Row) -> UUID | None:
    return as_uuid(row.body.get("id") or "")


def _versions(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row]
) -> dict[UUID | None, int]:
    """Return the versions of the node's customers whose ids are in rows."""
    ids = {each for row in rows if (each := _id_of(row)) is not None}
    if not ids:
        return {}
    customers = Customer.objects.in_node(workspace.id, node.id).filter(id__in=ids)
    return dict(customers.values_list("id", "version"))


def _change(
    workspace: WorkspaceRules, row: Row, versions: dict[UUID | None, int], by: Principal
) -> tuple[str, UUID]:
    customer_id = _id_of(row)
    assert customer_id is not None, "its version was looked up"
    modification = Modification(customer_id, row.body, Mode.PATCH, is_import=True)
    changed = run_blocking(modify_customer(workspace, modification, by=by))
    is_changed = changed.version != versions[customer_id]
    versions[customer_id] = changed.version
    return Outcome.UPDATED if is_changed else Outcome.UNCHANGED, customer_id


def delete_customers(
    workspace: WorkspaceRules, node: NodeRules, rows: Sequence[Row], by: Principal
) -> list[RowResult]:
    """Delete the customers of rows."""
    return applied_singly(rows, lambda row: _delete_customer(workspace, node, row, by))


def _delete_customer(
    workspace: WorkspaceRules, node: NodeRules, row: Row, by: Principal
) -> tuple[str, UUID]:
    customer_id = _named_customer(workspace, node, row.body)
    delete_customer(workspace, customer_id, expected_version=None, by=by)
    return Outcome.DELETED, customer_id


def _named_customer(workspace: WorkspaceRules, node: NodeRules, body: dict[str, Any]) -> UUID:
    """Return the customer of a row: by id, external id or matching properties."""
    customers = Customer.objects.in_node(workspace.id, node.id)
    if body.get("id"):
        customers = customers.filter(id=as_uuid(body["id"]) or UUID(int=0))
        if body.get("externalId"):
            customers = customers.filter(external_id=canonical_identifier(body["externalId"]))
    elif body.get("externalId") and "externalId" not in node.matching.identifying:
        customers = customers.filter(external_id=canonical_identifier(body["externalId"]))
    else:
        person = for_create(EMPTY, body)
        codes = {"unique", "placeholder"}
        faults = [each for each in required_faults(node, person) if each.code in codes]
        if faults:
            raise Invalid(errors=faults)
        customers = customers.filter(id=recognised(workspace.id, node, person) or UUID(int=0))
    found = list(customers.values_list("id", flat=True)[:2])
    if not found:
        raise NotFound("there is no such customer")
    if len(found) > 1:
        raise NotFound("several customers have this external id")
    return found[0]
