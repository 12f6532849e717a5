"""Past states of a customer, and the origin of each of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from configuration.models import NodeType
from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import Gone, NotFound
from customers.domain.aggregation import LOWEST_RANK, Member, in_order
from customers.domain.history import document_before, without_password
from customers.domain.merge import SUBSCRIPTIONS, Document, unchanged
from customers.domain.record_merge import is_at_or_below, leaves_of
from customers.models import AggregateMember, Customer, RecordMerge, ValueChange
from customers.models.customer_row import CustomerRow
from customers.queries.documents import document_of

MOST_CHANGES = 500  # of a customer that are read
MOST_MEMBERS = 1000


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One change of a property: the values before and after, and the version."""

    version: int
    at: datetime
    author: str | None
    cause: str
    merge_id: UUID | None
    before: Any
    after: Any


@dataclass(slots=True)
class PropertyHistory:
    """A property: its current value, and its changes, the latest first."""

    path: str
    value: Any
    changes: list[PropertyChange] = field(default_factory=list)
    rule: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The properties of a customer; `is_complete` if all changes since its creation are kept."""

    properties: Sequence[PropertyHistory]
    is_complete: bool


def history_of(workspace: WorkspaceRules, row: CustomerRow, prefix: str | None) -> History:
    """Return the history of a customer's properties, or of those at and below a dotted path.

    Of an aggregate customer: the member of each value.
    """
    node = workspace.nodes[UUID(row.node_id)]
    if node.type == NodeType.AGGREGATE:
        return History(_of_members(workspace, row, prefix), is_complete=True)
    rows = _changes(workspace.id, UUID(row.id))
    chain = list(_chain(row, rows))
    now = dict(leaves_of(document_of(row)))
    properties: dict[str, PropertyHistory] = {
        path: PropertyHistory(path, value) for path, value in now.items()
    }
    for change in chain:
        for path, before in change.before.items():
            known = properties.setdefault(path, PropertyHistory(path, None))
            known.changes.append(
                PropertyChange(
                    change.version,
                    change.changed_at,
                    change.author,
                    change.cause,
                    change.merge_id,
                    before,
                    now.get(path),
                )
            )
            now[path] = before
    _explain(workspace.id, properties.values())
    selected = [
        properties[path]
        for path in sorted(properties)
        if prefix is None or is_at_or_below(path, prefix)
    ]
    return History(selected, is_complete=row.version - len(chain) == 1)


def as_it_was(workspace: WorkspaceRules, row: CustomerRow, at: datetime) -> CustomerRow:
    """Return the customer at a past moment.

    Raises NotFound before its creation, Gone when its history is not kept so far back.
    """
    if at >= _moment(row.updated_at):
        return row
    if at < _moment(row.registered_at):
        raise NotFound(f"customer {row.id} was not there yet")
    undone: list[ValueChange] = []
    for change in _chain(row, _changes(workspace.id, UUID(row.id))):
        if change.changed_at <= at:
            return _before(row, undone, change)
        undone.append(change)
    if row.version - len(undone) > 1:
        raise Gone("The history of the customer is not kept so far back")
    return _before(row, undone, None)


def around(workspace_id: UUID, row: CustomerRow, version: int) -> tuple[str, Document, Document]:
    """Return the cause of the change that made a version, and the documents before and after it.

    Of a journalled one whose later changes are not kept, they differ where it changed something,
    and are as the customer is now elsewhere. Raises NotFound for a version that no change has made,
    Gone when neither the history nor a journal is kept so far back.
    """
    if not 1 < version <= row.version:
        raise NotFound(f"customer {row.id} has no change of version {version}")
    now = document_of(row)
    undone: list[ValueChange] = []
    for change in _chain(row, _changes(workspace_id, UUID(row.id))):
        undone.append(change)
        if change.version == version:
            earlier = [each.before for each in undone]
            after = document_before(now, earlier[:-1])
            return change.cause, document_before(now, earlier), after
    own = ValueChange.objects.in_workspace(workspace_id).filter(
        customer_id=UUID(row.id), version=version, after__isnull=False
    )
    journalled = own.first()
    if journalled is None or journalled.after is None:
        raise Gone("The history of the customer is not kept so far back")
    after = document_before(now, [_unless_present(now, journalled.after)])
    return journalled.cause, document_before(after, [journalled.before]), after


def _unless_present(document: Document, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without those that the document has but for a password."""
    leaves = dict(leaves_of(document))
    return {
        path: value
        for path, value in values.items()
        if value is None or without_password(path, leaves.get(path)) != value
    }


def _before(
    row: CustomerRow, undone: Sequence[ValueChange], last: ValueChange | None
) -> CustomerRow:
    """Return the customer before the changes `undone`.

    `last` is the change before these, if any.
    """
    document = document_before(document_of(row), [change.before for change in undone])
    return row._replace(
        external_id=document["externalId"],
        base=document["base"],
        consents=document["consents"],
        extended=document["extended"],
        extra=document["extra"],
        tags=document["tags"],
        enabled=document["enabled"],
        version=row.version - len(undone),
        updated_at=row.registered_at if last is None else _text(last.changed_at),
        updated_by=row.registered_by if last is None else last.author,
    )


def _changes(workspace_id: UUID, customer_id: UUID) -> list[ValueChange]:
    """Return the latest changes of a customer, the latest first."""
    changes = ValueChange.objects.in_workspace(workspace_id).filter(customer_id=customer_id)
    return list(changes.order_by("-version")[:MOST_CHANGES])


def _chain(row: CustomerRow, changes: Sequence[ValueChange]) -> Iterator[ValueChange]:
    """Return the changes up to the first gap."""
    version = row.version
    for change in changes:
        if change.version != version:
            return
        yield change
        version -= 1


def _explain(workspace_id: UUID, properties: Any) -> None:
    """Add to values of the latest merge their customers and rules."""
    latest = {
        each.changes[0].merge_id: None
        for each in properties
        if each.changes and each.changes[0].merge_id is not None
    }
    if not latest:
        return
    merges = RecordMerge.objects.in_workspace(workspace_id).filter(id__in=list(latest))
    origins = {
        (merge.id, origin["path"]): origin for merge in merges for origin in merge.origins or ()
    }
    for each in properties:
        if each.changes:
            origin = origins.get((each.changes[0].merge_id, each.path))
            if origin is not None:
                each.rule, each.customer_id = origin["rule"], origin["customer_id"]


def _of_members(
    workspace: WorkspaceRules, row: CustomerRow, prefix: str | None
) -> list[PropertyHistory]:
    members = AggregateMember.objects.of_aggregate(workspace.id, UUID(row.id))
    latest = members.order_by("-changed_at", "entry_id").values_list("entry_id", flat=True)
    ids = list(latest[:MOST_MEMBERS])
    rows = Customer.objects.live_rows(workspace.id, ids) if ids else []
    ordered = in_order([_member(workspace, each) for each in rows])
    held = [(each, dict(leaves_of(each.document))) for each in ordered]
    found = []
    for path, value in sorted(leaves_of(document_of(row))):
        if prefix is not None and not is_at_or_below(path, prefix):
            continue
        origin = next(
            (
                member.id
                for member, leaves in held
                if path in leaves and unchanged({"": leaves[path]}, {"": value})
            ),
            None,
        )
        rule = _rule_of(workspace, path)
        found.append(PropertyHistory(path, value, rule=rule, customer_id=origin))
    return found


def _member(workspace: WorkspaceRules, row: CustomerRow) -> Member:
    node = workspace.nodes.get(UUID(row.node_id))
    priority = [] if node is None else [str(each) for each in node.source_priority]
    rank = priority.index(row.updated_by) if row.updated_by in priority else LOWEST_RANK
    return Member(row.id, document_of(row), rank, str(row.updated_at))


def _rule_of(workspace: WorkspaceRules, path: str) -> str:
    """Return the rule by which an aggregate customer gets the value at a path."""
    if path.startswith("consents."):
        return "LATEST"
    if path == SUBSCRIPTIONS or path.startswith("tags."):
        return "UNITED"
    definitions: Mapping[str, Any] = workspace.customer_extended
    definition: Mapping[str, Any] = {}
    if path.startswith("extended."):
        for name in path.split(".")[1:]:
            definition = definitions.get(name, {})
            definitions = definition.get("properties", {})
    return str(definition.get("mergePolicy", "OBJ_PRIORITY"))


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _text(moment: datetime) -> str:
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )
