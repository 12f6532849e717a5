"""Reading the change feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.date_format import Positions
from contacthub_project.core.errors import Gone, Unavailable
from contacthub_project.core.timestamps import EPOCH
from contacthub_project.db.sql import fetch_all, fetch_one
from customers.actions.feed import SEALING_SECONDS, seal, seal_everything
from customers.domain.query_compiler import Fragment, all_of
from customers.models import ChangeEntity, ChangeOperation, Customer
from customers.queries.documents import customer_moments, customer_response

# No transaction takes longer, so changes stand in the feed at most so much out of their time.
LONGEST_TRANSACTION = timedelta(minutes=10)

POSITION = (
    "SELECT last_offset, trimmed_to, trimmed_before FROM customers_feed WHERE workspace_id = %s"
)
# One snapshot tells how far the feed reaches and what stands there.
PAGE = """
SELECT feed.last_offset, feed.trimmed_to, change.feed_offset, change.operation, change.entity,
       change.entity_id, change.node_id
FROM customers_feed AS feed
LEFT JOIN LATERAL (
    SELECT * FROM customers_change AS change
    WHERE {condition} ORDER BY change.feed_offset LIMIT %s
) AS change ON true
WHERE feed.workspace_id = %s ORDER BY change.feed_offset
"""
LAST = """
SELECT change.feed_offset FROM customers_change AS change
WHERE {condition} ORDER BY change.feed_offset DESC LIMIT 1
"""
DIGEST = """
SELECT feed.last_offset, feed.trimmed_to, digest.count, digest.hash
FROM customers_feed AS feed,
LATERAL (
    SELECT count(*) AS count,
           encode(sha256(convert_to(coalesce(string_agg(
               format(E'%%s %%s %%s\\n', feed_offset, entity_id, operation), ''
               ORDER BY feed_offset
           ), ''), 'UTF8')), 'hex') AS hash
    FROM customers_change AS change WHERE {condition} AND change.feed_offset <= %s
) AS digest
WHERE feed.workspace_id = %s
"""
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
    condition = _condition(workspace_id, wanted, after=position.trimmed_to)
    found = fetch_one(LAST.format(condition=condition.sql), condition.parameters, prepare=False)
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
) -> tuple[list[dict[str, Any]], int]:
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
        keys = list({(row[4], row[3]) for row in rows if row[2] == entity and row[1] != "DELETE"})
        now[entity] = read(workspace, keys) if keys else {}
    updates = [_update(row, now[row[2]].get((row[4], row[3]))) for row in rows]
    return updates, (rows[-1][0] if len(rows) == size else max(after, sealed_end))


def digest_of(workspace_id: UUID, *, first: int, last: int, wanted: FeedFilter) -> Digest:
    """What stands in the feed between two offsets, as far as it is there.

    Raises Gone when a part of it is kept no longer, Unavailable when it takes too long to give an
    offset to all that is committed.
    """
    seal_everything(workspace_id)
    condition = _condition(workspace_id, wanted, after=first - 1)
    row = fetch_one(
        DIGEST.format(condition=condition.sql), (*condition.parameters, last, workspace_id)
    )
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
) -> tuple[list[tuple[Any, ...]], int]:
    """The first rows after an offset, and the last offset that stood in the feed with them."""
    condition = _condition(workspace_id, wanted, after=after)
    found = fetch_all(
        PAGE.format(condition=condition.sql), (*condition.parameters, size, workspace_id)
    )
    if not found:
        return [], 0
    sealed_end, trimmed_to = found[0][:2]
    if 0 < after < trimmed_to:
        raise _gone(trimmed_to)
    return [row[2:] for row in found if row[2] is not None], sealed_end


def _update(row: Iterable[Any], entity_now: Any) -> dict[str, Any]:
    offset, operation, entity, entity_id, node_id = row
    recorded = {}
    if entity_now is None:
        entity_now = {"id": entity_id, "nodeId": node_id}
        if operation != ChangeOperation.DELETE:
            recorded = {"recordedOperation": operation}
            operation = ChangeOperation.DELETE.value
    return {
        "offset": offset,
        "operation": operation,
        **recorded,
        "entity": {"type": entity, "data": entity_now},
    }


def _condition(workspace_id: UUID, wanted: FeedFilter, *, after: int) -> Fragment:
    parts = [
        Fragment("change.workspace_id = %s", (workspace_id,)),
        Fragment("change.feed_offset > %s", (after,)),
    ]
    if wanted.nodes is not None:
        if len(wanted.nodes) == 1:  # a single value, so that an index can give the order too
            parts.append(Fragment("change.node_id = %s", (wanted.nodes[0],)))
        else:
            parts.append(Fragment("change.node_id = ANY (%s)", (list(wanted.nodes),)))
    if not wanted.duplicates:
        parts.append(Fragment("NOT change.is_duplicate"))
    if wanted.entity is not None:
        parts.append(Fragment("change.entity = %s", (wanted.entity,)))
    return all_of(parts)


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
