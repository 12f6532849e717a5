"""The selection of changes of the feed, and the statements of the feed with its conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from contacthub_project.db.sql import load
from customers.models import ChangeEntity

BY_DEFAULT = (ChangeEntity.CUSTOMER.value, ChangeEntity.EVENT.value)


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """A consumer's selection of changes; `nodes` are those it may read, None for all.

    Without `entities` those of customers and events: consumers that know no other kinds get none.
    With `duplicates`, also those of events in an aggregate node that does not own them.
    """

    nodes: tuple[UUID, ...] | None = None
    entities: tuple[str, ...] = ()
    duplicates: bool = False


def feed_parameters(workspace_id: UUID, feed_filter: FeedFilter, *, after: int) -> dict[str, Any]:
    """Return the parameters of `customers/sql/feed_filter.sql`."""
    nodes = feed_filter.nodes or ()
    return {
        "workspace_id": workspace_id,
        "after": after,
        "node_id": nodes[0] if nodes else None,
        "nodes": list(nodes),
        "entities": list(feed_filter.entities) or list(BY_DEFAULT),
    }


def feed_statement(name: str, feed_filter: FeedFilter) -> str:
    """Return a statement of the feed with the conditions of a filter."""
    parts = {
        "node": feed_filter.nodes is not None and len(feed_filter.nodes) == 1,
        "nodes": feed_filter.nodes is not None and len(feed_filter.nodes) != 1,
        "no_duplicates": not feed_filter.duplicates,
    }
    return _loaded(name, tuple(part for part, is_needed in parts.items() if is_needed))


@cache
def _loaded(name: str, parts: tuple[str, ...]) -> str:
    return load(f"customers/sql/{name}", **dict.fromkeys(parts, "TRUE"))
