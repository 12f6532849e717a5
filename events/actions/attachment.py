"""Attaches waiting events to the customer whose session or external id has appeared, or drops them.

They are checked as if they were posted now: by the switch of their type, the customer's, and the
consents that the workspace's policy requires.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import transaction

from configuration.models import Workspace
from configuration.queries.rules import WorkspaceRules, latest_rules_of, rules_of
from contacthub_project.db.sql import fetch_all, fetch_one, load
from contacthub_project.runtime.metrics import count_dropped_events
from events.domain.admission import RefusalReason, refusal_reason

SUMMED_AT_ONCE = 10_000

WAITING = load("events/sql/find_waiting_events")
ATTACH = load("events/sql/attach_waiting_events")
DROP = load("events/sql/drop_waiting_events")
SUM_UP = load("events/sql/sum_up_dropped_events")


class Waiting(NamedTuple):
    """A customer and a type of its waiting events; `consents` are JSON, as text."""

    customer_id: UUID
    event_type: str
    customer_is_enabled: bool
    consents: str


def attach_waiting_events(
    workspace_id: UUID, node_id: UUID, identities: Sequence[tuple[UUID, str, str]]
) -> None:
    """Attach the events that wait for identities, locked by this transaction.

    Each identity is a customer's id, a kind and a value. Events that are refused because of the
    customer, its consents or the type's switch are deleted, and counted by reason.
    """
    parameters: dict[str, Any] = {
        "workspace_id": workspace_id,
        "node_id": node_id,
        "customers": [customer_id for customer_id, _, _ in identities],
        "kinds": [kind for _, kind, _ in identities],
        "values": [value for _, _, value in identities],
        "ignores_case": _ignores_case(workspace_id, node_id),
    }
    waiting = [Waiting(*row) for row in fetch_all(WAITING, parameters)]
    if not waiting:
        return
    refused = _refused(latest_rules_of(workspace_id), waiting)
    parameters |= {
        "refused_customers": [customer_id for customer_id, _, _ in refused],
        "refused_types": [event_type for _, event_type, _ in refused],
        "reasons": [reason.value for _, _, reason in refused],
    }
    if refused:
        dropped = fetch_all(DROP, parameters)
        transaction.on_commit(partial(count_dropped_events, dict(dropped)))
    fetch_one(ATTACH, parameters)


def sum_up_dropped_events() -> None:
    """Merge equal counts of a day into one row, workspace by workspace."""
    for workspace_id in Workspace.objects.present().values_list("id", flat=True):
        while True:
            parameters = {"workspace_id": workspace_id, "limit": SUMMED_AT_ONCE}
            taken, summed = fetch_one(SUM_UP, parameters)
            if taken < SUMMED_AT_ONCE or taken == summed:
                break


def _ignores_case(workspace_id: UUID, node_id: UUID) -> bool:
    """Return whether external ids of the node that differ only in case are equal.

    Callers have read the rules: these are no older.
    """
    workspace = rules_of(workspace_id)
    node = None if workspace is None else workspace.nodes.get(node_id)
    return node is not None and node.matching.ignores_case_of("externalId")


def _refused(
    workspace: WorkspaceRules | None, waiting: Sequence[Waiting]
) -> list[tuple[UUID, str, RefusalReason]]:
    """Return the customers and types whose waiting events are refused, with the reason."""
    refused = []
    for each in waiting:
        rules = None if workspace is None else workspace.event_types.get(each.event_type)
        reason = refusal_reason(
            type_is_enabled=rules is not None and rules.is_enabled,
            customer_is_enabled=each.customer_is_enabled,
            consents=orjson.loads(each.consents),
            demanded=() if rules is None else rules.consents,
        )
        if reason is not None:
            refused.append((each.customer_id, each.event_type, reason))
    return refused
