"""Reading the change feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Gone, Unavailable
from contacthub_project.core.timestamps import EPOCH
from contacthub_project.db.sql import fetch_all, fetch_one, load
from customers.actions.feed import SEALING_SECONDS, seal, seal_everything
from customers.models import ChangeEntity, ChangeOperation, Customer
from customers.queries.documents import (
    Update,
    UpdatedEntity,
    customer_moments,
    customer_response,
)

# No transaction takes longer, so changes stand in the feed at most so much out of their time.
LONGEST_TRANSACTION = timedelta(minutes=10)

POSITION = (
    "SELECT last_offset, trimmed_to, trimmed_before FROM customers_feed WHERE workspace_id = %s"
)
MOMENT_AT = """
SELECT changed_at FROM customers_change
WHERE workspace_id = %s AND feed_offset >= %s ORDER BY feed_offset LIMIT 1
"""
FIRST_SINCE = """
SELECT feed_offset FROM customers_change
WHERE workspace_id = %s AND feed_offset > %s AND changed_at >= %s ORDER BY feed_offset LIMIT 1
"""

# An entity in a node: the node's id, the entity's.
EntityKey = tuple[UUID, UUID]
# How entities of a kind are shown in nodes: the answers of those that there are.
ReadEntities = Callable[[WorkspaceRules, Sequence[EntityKey]], Mapping[EntityKey, Any]]
# Where moments stand in them.
MomentsOf = Callable[[WorkspaceRules], Positions]


class ChangeRow(NamedTuple):
    """A change as the feed has it."""

    offset: int
    operation: str
    entity: str
    entity_id: UUID
    node_id: UUID

    @property
    def key(self) -> EntityKey:
        """The changed entity."""
        return self.node_id, self.entity_id

    @property
    def is_deletion(self) -> bool:
        """Whether the entity was deleted by it."""
        return self.operation == ChangeOperation.DELETE


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which changes a consumer asks for; `nodes` are those it may read, None for all.

    With `duplicates`, also those of events that an aggregate node shows and another node has.
    """

    nodes: Sequence[UUID] | None = None
    entity: str | None = None
    duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """How far the feed reaches: from after `trimmed_to` up to `last_offset`."""

    last_offset: int
    trimmed_to: int
    trimmed_before: datetime | None


@dataclass(frozen=True, slots=True)
class Digest:
    """Count and hash of the changes from offset `first` to offset `last`, both included.

    `hash` is the SHA-256, in hexadecimal digits, of one line for each change, by offset: the
    offset, a space, the entity's id, a space, the operation as it was recorded, a line feed.
    """

    first: int
    last: int
    count: int
    hash: str


def position_of(workspace_id: UUID) -> Position:
    """How far the feed of a workspace reaches, as far as it is sealed."""
    return Position(*(fetch_one(POSITION, [workspace_id]) or (0, 0, None)))


def last_offset(workspace_id: UUID, wanted: FeedFilter) -> int:
    """The greatest offset of the changes that are wanted, 0 if there is none.

    All that is committed by now has an offset then. Raises Unavailable if that takes too long.
    """
    seal_everything(workspace_id)
    position = position_of(workspace_id)
    if wanted == FeedFilter():
        return position.last_offset
    parameters = _parameters(workspace_id, wanted, after=position.trimmed_to)
    found = fetch_one(_statement("feed_last_offset", wanted), parameters, prepare=False)
    return 0 if found is None else found[0]


def start_at(workspace_id: UUID, *, offset: int | None, since: datetime | None) -> int:
    """The offset to read after: the one given, else that before the first change `since`.

    With neither, and for offset 0 and the beginning of 1970, it is 0: from the first change that
    is kept on. Raises Gone when changes that were asked for are kept no longer, Unavailable when it
    takes too long to give an offset to all that is committed.
    """
    if offset == 0 or (offset is None and since in {None, EPOCH}):
        return 0
    position = position_of(workspace_id)
    if offset is not None:
        if offset < position.trimmed_to:
            raise _gone(position.trimmed_to)
        return offset
    assert since is not None
    if position.trimmed_before is not None and since < position.trimmed_before:
        raise _gone(position.trimmed_to)
    seal_everything(workspace_id)
    return _offset_before(workspace_id, since, position_of(workspace_id))


def read_page(
    workspace: WorkspaceRules, *, after: int, size: int, wanted: FeedFilter
) -> tuple[list[Update], int]:
    """The updates after an offset, and the offset to go on from.

    After a page that is not full that is the last offset there is, whatever is wanted. All that is
    committed by now is sealed first (see `customers.actions.feed.seal`), as far as it is needed to
    find an update. Entities come as they are now; one that is gone by now is told as deleted.
    Raises Gone when changes after `after` are kept no longer, unless it is 0, and Unavailable when
    nothing is found in the time there is for sealing.
    """
    if not size:
        return [], after
    deadline = monotonic() + SEALING_SECONDS
    while True:
        is_all_sealed = seal(workspace.id)
        rows, sealed_end = _rows_after(workspace.id, after, size, wanted)
        if rows or is_all_sealed:
            break
        if monotonic() > deadline:
            raise Unavailable("Changes are still being put in order; try again to go on with it")
        after = max(after, sealed_end)
    now: dict[str, Mapping[EntityKey, Any]] = {}
    for entity, read in _readers.items():
        keys = list({row.key for row in rows if row.entity == entity and not row.is_deletion})
        now[entity] = read(workspace, keys) if keys else {}
    updates = [_update(row, now[row.entity].get(row.key)) for row in rows]
    return updates, (rows[-1].offset if len(rows) == size else max(after, sealed_end))


def digest_of(workspace_id: UUID, *, first: int, last: int, wanted: FeedFilter) -> Digest:
    """What stands in the feed between two offsets, as far as it is there.

    Raises Gone when a part of it is kept no longer, Unavailable when it takes too long to give an
    offset to all that is committed.
    """
    seal_everything(workspace_id)
    parameters = _parameters(workspace_id, wanted, after=first - 1) | {"last": last}
    row = fetch_one(_statement("feed_digest", wanted), parameters)
    end, trimmed_to, count, digest = row or (0, 0, 0, sha256().hexdigest())
    if first <= trimmed_to:
        raise _gone(trimmed_to)
    return Digest(first=first, last=min(last, end), count=count, hash=digest)


def register_reader(entity: str, read: ReadEntities, moments: MomentsOf) -> None:
    """Make known how entities of a kind are shown; called once per process while Django starts."""
    _readers[entity] = read
    _moments[entity] = moments


def update_moments(workspace: WorkspaceRules) -> Positions:
    """Where moments stand in an update."""

    def of_entity(entity: Mapping[str, Any]) -> Positions:
        return {"data": _moments[entity["type"]](workspace)}

    return {"entity": of_entity}


def read_customers(workspace: WorkspaceRules, keys: Sequence[EntityKey]) -> Mapping[EntityKey, Any]:
    """The live customers among the keys, as the API shows them."""
    nodes = {customer_id: node_id for node_id, customer_id in keys}
    rows = Customer.objects.live_rows(workspace.id, list(nodes))
    return {
        (nodes[UUID(row.id)], UUID(row.id)): customer_response(row, workspace.customer_schema)
        for row in rows
    }


_readers: dict[str, ReadEntities] = {}
_moments: dict[str, MomentsOf] = {}
register_reader(
    ChangeEntity.CUSTOMER.value,
    read_customers,
    lambda workspace: customer_moments(workspace.customer_schema),
)


def _rows_after(
    workspace_id: UUID, after: int, size: int, wanted: FeedFilter
) -> tuple[list[ChangeRow], int]:
    """The first rows after an offset, and the last offset that stood in the feed with them."""
    parameters = _parameters(workspace_id, wanted, after=after) | {"size": size}
    found = fetch_all(_statement("feed_page", wanted), parameters)
    if not found:
        return [], 0
    sealed_end, trimmed_to = found[0][:2]
    if 0 < after < trimmed_to:
        raise _gone(trimmed_to)
    rows = [ChangeRow(*change) for _, _, *change in found]
    return [row for row in rows if row.offset is not None], sealed_end


def _update(row: ChangeRow, entity_now: Any) -> Update:
    """The update of a change; `entity_now` is None when the entity is no more."""
    if entity_now is not None:
        entity: UpdatedEntity = {"type": row.entity, "data": entity_now}
        return {"offset": row.offset, "operation": row.operation, "entity": entity}
    entity = {"type": row.entity, "data": {"id": row.entity_id, "nodeId": row.node_id}}
    if row.is_deletion:
        return {"offset": row.offset, "operation": row.operation, "entity": entity}
    return {
        "offset": row.offset,
        "operation": ChangeOperation.DELETE.value,
        "recordedOperation": row.operation,
        "entity": entity,
    }


def _parameters(workspace_id: UUID, wanted: FeedFilter, *, after: int) -> dict[str, Any]:
    """The parameters of `customers/sql/feed_filter.sql`."""
    nodes = wanted.nodes or ()
    return {
        "workspace_id": workspace_id,
        "after": after,
        "node_id": nodes[0] if nodes else None,
        "nodes": list(nodes),
        "entity": wanted.entity,
    }


def _statement(name: str, wanted: FeedFilter) -> str:
    """A statement of the feed with the conditions that a filter needs."""
    parts = {
        "node": wanted.nodes is not None and len(wanted.nodes) == 1,
        "nodes": wanted.nodes is not None and len(wanted.nodes) != 1,
        "of_entity": wanted.entity is not None,
        "no_duplicates": not wanted.duplicates,
    }
    return _loaded(name, tuple(part for part, is_needed in parts.items() if is_needed))


@cache
def _loaded(name: str, parts: tuple[str, ...]) -> str:
    return load(f"customers/sql/{name}", **dict.fromkeys(parts, "TRUE"))


def _offset_before(workspace_id: UUID, since: datetime, position: Position) -> int:
    """The offset after which all changes stand that happened at `since` or later.

    Offsets follow the commits and moments the writes, so they are nearly in the same order: a
    bisection finds a place that is surely early enough, from which the first is looked for.
    """
    early = since - LONGEST_TRANSACTION
    low, high = position.trimmed_to, position.last_offset
    while low < high:
        middle = (low + high + 1) // 2
        row = fetch_one(MOMENT_AT, [workspace_id, middle])
        if row is not None and row[0] < early:
            low = middle
        else:
            high = middle - 1
    first = fetch_one(FIRST_SINCE, [workspace_id, low, since])
    return position.last_offset if first is None else first[0] - 1


def _gone(trimmed_to: int) -> Gone:
    return Gone(
        f"Changes up to offset {trimmed_to} are kept no longer; read on from there",
        data={"earliestOffset": trimmed_to},
    )
