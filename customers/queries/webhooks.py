"""The next changes to deliver to a webhook."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.errors import FieldError, Invalid, pointer
from contacthub_project.db.sql import fetch_column
from customers.domain.updates import Update
from customers.domain.webhooks import (
    BATCH,
    UpdateSelection,
    sent_fields,
    sent_update,
    split_into_messages,
)
from customers.models import ChangeEntity, ChangeOperation, Webhook
from customers.queries.feed import EntityKey, last_offset, position_of, read_page
from customers.queries.feed_filter import FeedFilter
from customers.queries.search import (
    NEWEST_FIRST,
    behaviour_queries,
    parse_search_query,
    selection,
)

MOST_PAGES = 10  # of the feed, read for one batch
PREVIEWED = 1000  # latest offsets that a preview reads
EXAMPLES = 20  # of the updates in a preview

FITTING = """
SELECT customer.id FROM customers_customer AS customer
WHERE customer.workspace_id = %s AND customer.node_id = %s AND customer.deleted = 0
    AND customer.id = ANY (%s::uuid[]) AND ({condition})
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes to send, of the feed after offset `after` up to offset `end`.

    `messages` holds the updates of each message; all of them may be in flight at the same time.
    """

    after: int
    end: int
    messages: Sequence[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a webhook selects of the changes after offset `after` up to offset `last`.

    `selected` is the number of changes, `examples` are the latest of them, as they would be sent.
    """

    after: int
    last: int
    selected: int
    examples: Sequence[Mapping[str, Any]]


def next_batch(workspace: WorkspaceRules, webhook: Webhook) -> Batch:
    """Return the next changes to send, at most as many as the messages in flight can hold.

    Without any, the offset up to which there are none.

    A batch whose delivery has failed before ends where it ended then. Raises Gone when changes
    after the webhook's offset are no longer kept, Unavailable when sealing takes too long, and
    Invalid when its condition names a removed property.
    """
    feed_filter = _feed_filter(webhook)
    after = end = webhook.delivered_offset
    size = BATCH * webhook.max_in_flight
    accepted = frozenset(webhook.accepted_offsets)
    found: list[Update] = []
    for _ in range(MOST_PAGES):
        updates, following = read_page(workspace, after=end, size=size, feed_filter=feed_filter)
        limit = webhook.batch_end
        if limit is not None:
            updates = [each for each in updates if each["offset"] <= limit]
            following = min(following, limit)
        is_page_short = len(updates) < size
        updates = [each for each in updates if each["offset"] not in accepted]
        selected = _selected(workspace, webhook, updates)
        room = size - len(found)
        found += selected[:room]
        if len(selected) > room:
            end = found[-1]["offset"]
            break
        is_last = following == end or is_page_short
        end = following
        if is_last or len(found) == size:
            break
    messages = split_into_messages(found, most=webhook.max_in_flight) if found else []
    sent = sum(len(each) for each in messages)
    if sent < len(found):
        end = found[sent - 1]["offset"]
    fields = sent_fields(webhook.field_paths)
    return Batch(
        after, end, [[sent_update(each, fields) for each in message] for message in messages]
    )


def preview(workspace: WorkspaceRules, webhook: Webhook) -> Preview:
    """Return what a webhook would send of the latest PREVIEWED offsets; it need not be saved.

    Raises Invalid when a condition is not valid, and Unavailable when sealing takes too long.
    """
    last = last_offset(workspace.id, FeedFilter())
    after = max(position_of(workspace.id).trimmed_to, last - PREVIEWED)
    size = last - after
    updates, _ = read_page(workspace, after=after, size=size, feed_filter=_feed_filter(webhook))
    selected = _selected(workspace, webhook, [each for each in updates if each["offset"] <= last])
    fields = sent_fields(webhook.field_paths)
    examples = [sent_update(each, fields) for each in selected[-EXAMPLES:]]
    return Preview(after=after, last=last, selected=len(selected), examples=examples)


def parsed_condition(document: Any, workspace: WorkspaceRules) -> Any:
    """Return the expression of a webhook's condition; raises Invalid with pointers into it."""
    expression, faults = parse_search_query(document, workspace)
    if faults:
        raise Invalid("The condition is not valid", errors=faults)
    return expression


def parsed_event_conditions(
    documents: Sequence[Any], workspace: WorkspaceRules
) -> tuple[list[Any], list[FieldError]]:
    """Return a webhook's conditions on events, and all faults with pointers into the webhook.

    Each is like the `did` of a query, without `having`: a change is of one event.
    """
    parsed, faults = [], []
    for index, document in enumerate(documents):
        at = pointer("eventConditions", index)
        if isinstance(document, dict) and "having" in document:
            faults.append(FieldError(f"{at}/having", "is about many events", "unknown"))
            continue
        behaviour, found = behaviour_queries().parsed(document, workspace, at)
        parsed.append(behaviour)
        faults += found
    return parsed, faults


def _feed_filter(webhook: Webhook) -> FeedFilter:
    return FeedFilter(
        nodes=tuple(webhook.node_ids) or None,
        entities=tuple(webhook.entities),
        duplicates=bool(webhook.node_ids),
    )


def _selected(
    workspace: WorkspaceRules, webhook: Webhook, updates: Sequence[Update]
) -> list[Update]:
    selection = UpdateSelection(
        operations=frozenset(webhook.operations),
        event_types=frozenset(webhook.event_types),
        segments=frozenset(webhook.segment_ids),
    )
    selected = [each for each in updates if selection.selects(each)]
    if webhook.event_conditions:
        selected = _with_matching_events(workspace, webhook.event_conditions, selected)
    if webhook.condition is None:
        return selected
    fitting = _fitting(workspace, webhook.condition, selected)
    return [each for each in selected if not _is_conditional(each) or _id_of(each) in fitting]


def _fitting(workspace: WorkspaceRules, condition: Any, updates: Sequence[Update]) -> set[UUID]:
    """Return the customers among the changes that match the condition."""
    expression = parsed_condition(condition, workspace)
    by_node: dict[UUID, list[UUID]] = defaultdict(list)
    for each in updates:
        if _is_conditional(each):
            by_node[UUID(str(each["entity"]["data"]["nodeId"]))].append(_id_of(each))
    fitting: set[UUID] = set()
    for node_id, ids in by_node.items():
        node = workspace.nodes.get(node_id)
        if node is None:
            continue
        fits, _ = selection(workspace, node, expression, NEWEST_FIRST)
        assert fits is not None
        statement = FITTING.format(condition=fits.sql)
        parameters = (workspace.id, node_id, ids, *fits.parameters)
        fitting.update(fetch_column(statement, parameters, prepare=False))
    return fitting


def _with_matching_events(
    workspace: WorkspaceRules, documents: Sequence[Any], updates: Sequence[Update]
) -> list[Update]:
    """Return the updates without those of events that match no condition of those of their type."""
    conditions, faults = parsed_event_conditions(documents, workspace)
    if faults:
        raise Invalid("The conditions are not valid", errors=faults)
    behaviours = behaviour_queries()
    unmatched: set[EntityKey] = set()
    for kind in {each for condition in conditions for each in behaviours.event_types(condition)}:
        keys = [_key_of(each) for each in updates if _event_type(each) == kind]
        unmatched |= {*keys}
        for condition in conditions:
            if keys and kind in behaviours.event_types(condition):
                unmatched -= behaviours.matching(condition, workspace, keys)
    return [each for each in updates if _event_type(each) is None or _key_of(each) not in unmatched]


def _event_type(update: Update) -> str | None:
    """Return the type of a changed event; None for other entities and for deletions."""
    entity = update["entity"]
    return entity["data"].get("type") if entity["type"] == ChangeEntity.EVENT else None


def _key_of(update: Update) -> EntityKey:
    data = update["entity"]["data"]
    return UUID(str(data["nodeId"])), UUID(str(data["id"]))


def _is_conditional(update: Update) -> bool:
    """Return whether the condition applies: deletions are sent to every receiver."""
    return (
        update["entity"]["type"] == ChangeEntity.CUSTOMER
        and update["operation"] != ChangeOperation.DELETE
    )


def _id_of(update: Update) -> UUID:
    return UUID(str(update["entity"]["data"]["id"]))
