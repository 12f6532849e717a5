"""Reads the change feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Gone, Unavailable
from contacthub_project.core.timestamps import EPOCH
from contacthub_project.db.sql import fetch_all, fetch_one, fetch_optional
from customers.actions.feed import SEALING_SECONDS, seal, seal_everything
from customers.domain.updates import Update, UpdatedEntity
from customers.models import ChangeEntity, ChangeOperation, Customer
from customers.queries.documents import (
    customer_moments,
    customer_response,
)
from customers.queries.feed_filter import FeedFilter, feed_parameters, feed_statement

# The longest transaction, and so the greatest disorder of changes in time.
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

# An entity in a node: the ids of node and entity.
EntityKey = tuple[UUID, UUID]
# Reads entities of a kind: the responses of those that exist.
ReadEntities = Callable[[WorkspaceRules, Sequence[EntityKey]], Mapping[EntityKey, Any]]
# The positions of timestamps in them.
MomentsOf = Callable[[WorkspaceRules], Positions]


class ChangeRow(NamedTuple):
    """A row of the change feed."""

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
        """Whether it deleted the entity."""
        return self.operation == ChangeOperation.DELETE


@dataclass(frozen=True, slots=True)
class Position:
    """The extent of the feed: after `trimmed_to` up to `last_offset`."""

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
    """Return the extent of a workspace's feed, as far as it is sealed."""
    return Position(*(fetch_one(POSITION, [workspace_id]) or (0, 0, None)))


def last_offset(workspace_id: UUID, feed_filter: FeedFilter) -> int:
    """Return the greatest offset of the selected changes, 0 if there is none.

    All changes committed by now have an offset then. Raises Unavailable if that takes too long.
    """
    seal_everything(workspace_id)
    position = position_of(workspace_id)
    if feed_filter == FeedFilter():
        return position.last_offset
    parameters = feed_parameters(workspace_id, feed_filter, after=position.trimmed_to)
    statement = feed_statement("feed_last_offset", feed_filter)
    return fetch_optional(statement, parameters, prepare=False) or 0


def start_at(workspace_id: UUID, *, offset: int | None, since: datetime | None) -> int:
    """Return the offset to read after: the given one, else that before the first change `since`.

    With neither, and for offset 0 and the beginning of 1970, it is 0: the first change that is
    kept. Raises Gone when the requested changes are no longer kept, Unavailable when it takes too
    long to give an offset to all committed changes.
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
    workspace: WorkspaceRules, *, after: int, size: int, feed_filter: FeedFilter
) -> tuple[list[Update], int]:
    """Return the changes after an offset, and the offset to continue from.

    After a page that is not full that is the last offset, for any filter. Committed changes are
    sealed first (see `customers.actions.feed.seal`), as far as needed to find a change. Entities
    are returned in their current state; deleted ones as DELETE. Raises Gone when changes after
    `after` are no longer kept, unless it is 0, and Unavailable when nothing is found in the time
    for sealing.
    """
    if not size:
        return [], after
    deadline = monotonic() + SEALING_SECONDS
    while True:
        is_all_sealed = seal(workspace.id)
        rows, sealed_end = _rows_after(workspace.id, after, size, feed_filter)
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


def digest_of(workspace_id: UUID, *, first: int, last: int, feed_filter: FeedFilter) -> Digest:
    """Return count and hash of the changes between two offsets, as far as they exist.

    Raises Gone when a part of it is no longer kept, Unavailable when it takes too long to give an
    offset to all committed changes.
    """
    seal_everything(workspace_id)
    parameters = feed_parameters(workspace_id, feed_filter, after=first - 1) | {"last": last}
    row = fetch_one(feed_statement("feed_digest", feed_filter), parameters)
    end, trimmed_to, count, digest = row or (0, 0, 0, sha256().hexdigest())
    if first <= trimmed_to:
        raise _gone(trimmed_to)
    return Digest(first=first, last=min(last, end), count=count, hash=digest)


def register_reader(entity: str, read: ReadEntities, moments: MomentsOf) -> None:
    """Register the reader of entities of a kind; called once per process while Django starts."""
    _readers[entity] = read
    _moments[entity] = moments


def update_moments(workspace: WorkspaceRules) -> Positions:
    """Return the positions of timestamps in a change."""

    def of_entity(entity: Mapping[str, Any]) -> Positions:
        return {"data": _moments[entity["type"]](workspace)}

    return {"entity": of_entity}


def read_customers(workspace: WorkspaceRules, keys: Sequence[EntityKey]) -> Mapping[EntityKey, Any]:
    """Return the live customers among the keys, in the form of responses."""
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
    workspace_id: UUID, after: int, size: int, feed_filter: FeedFilter
) -> tuple[list[ChangeRow], int]:
    """Return the first rows after an offset, and the last offset of the feed in one snapshot."""
    parameters = feed_parameters(workspace_id, feed_filter, after=after) | {"size": size}
    found = fetch_all(feed_statement("feed_page", feed_filter), parameters)
    if not found:
        return [], 0
    last_offset, trimmed_to, *_ = found[0]
    if 0 < after < trimmed_to:
        raise _gone(trimmed_to)
    rows = [ChangeRow(*change) for _, _, *change in found]
    return [row for row in rows if row.offset is not None], last_offset


def _update(row: ChangeRow, entity_now: Any) -> Update:
    """Return the response of a change; `entity_now` is None when the entity no longer exists."""
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


def _offset_before(workspace_id: UUID, since: datetime, position: Position) -> int:
    """Return the offset before all changes that happened at `since` or later.

    Offsets follow the commits and moments the writes, so they are nearly in the same order: a
    bisection finds an offset that is surely early enough, from which the first is searched.
    """
    early = since - LONGEST_TRANSACTION
    low, high = position.trimmed_to, position.last_offset
    while low < high:
        middle = (low + high + 1) // 2
        moment = fetch_optional(MOMENT_AT, [workspace_id, middle])
        if moment is not None and moment < early:
            low = middle
        else:
            high = middle - 1
    first: int | None = fetch_optional(FIRST_SINCE, [workspace_id, low, since])
    return position.last_offset if first is None else first - 1


def _gone(trimmed_to: int) -> Gone:
    return Gone(
        f"Changes up to offset {trimmed_to} are kept no longer; read on from there",
        data={"earliestOffset": trimmed_to},
    )
