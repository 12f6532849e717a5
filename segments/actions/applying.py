"""Stores the members of segments that an evaluation has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.sql import fetch_all, load
from contacthub_project.messaging.pubsub import notify_on_commit
from segments.models import PendingCustomer
from segments.queries.evaluation import Evaluation

EXISTING = load("segments/sql/existing_members")
EXISTING_BETWEEN = load("segments/sql/existing_members_between")
HOLD = load("segments/sql/hold_customers")
ADD = load("segments/sql/add_members")
REMOVE = load("segments/sql/remove_members")
REMOVE_DEPARTED = load("segments/sql/remove_departed")
SET_DUE = load("segments/sql/set_due")
DROP_DUE = load("segments/sql/drop_due")
NOTE_SIZES = load("segments/sql/note_sizes")

Pair = tuple[UUID, UUID]  # a segment and a customer


@dataclass(frozen=True, slots=True)
class Compared:
    """The evaluated customers: those with `ids`, or with `is_range` all ids in (`after`, `until`].

    Without `after` the range has no beginning, without `until` no end.
    """

    ids: Sequence[UUID]
    is_range: bool = False
    after: UUID | None = None
    until: UUID | None = None


def apply(
    workspace: WorkspaceRules,
    evaluations: Sequence[tuple[Evaluation, Compared]],
    now: datetime,
    *,
    unlogged: Collection[UUID] = (),
) -> int:
    """Store the members that evaluations found; return how many customers entered or left.

    Within a transaction that has locked the workspace's feed cursor. Changes of `unlogged` segments
    are neither counted by day nor published.
    """
    existing: set[Pair] = set()
    expected: set[Pair] = set()
    due: dict[Pair, datetime] = {}
    expected_due: dict[Pair, datetime] = {}
    for evaluation, compared in evaluations:
        members, moments = _existing(workspace.id, list(evaluation.members), compared)
        existing |= members
        due |= moments
        expected |= _members_of(evaluation)
        expected_due |= {
            (segment_id, customer_id): moment
            for segment_id, of_segment in evaluation.due.items()
            for customer_id, moment in of_segment.items()
        }
    entering = expected - existing
    changed_due = {pair: at for pair, at in expected_due.items() if due.get(pair) != at}
    # An erasure locks the customer first: rows written after it would never be removed.
    concerned = {customer for _, customer in (*entering, *changed_due)}
    there = _lock_customers(workspace.id, concerned)
    _evaluate_later(workspace.id, concerned - there)
    entered = _pairs(ADD, workspace.id, (pair for pair in entering if pair[1] in there), now=now)
    left = _pairs(REMOVE, workspace.id, existing - expected)
    _set_due(workspace.id, {pair: at for pair, at in changed_due.items() if pair[1] in there})
    _pairs(DROP_DUE, workspace.id, due.keys() - expected_due.keys())
    note_changes(workspace, entered, left, now, unlogged=unlogged)
    return len(entered) + len(left)


def differing(workspace_id: UUID, evaluation: Evaluation, compared: Compared) -> set[Pair]:
    """Return the pairs of segment and customer in which stored and evaluated membership differ."""
    existing, _ = _existing(workspace_id, list(evaluation.members), compared)
    return existing ^ _members_of(evaluation)


def _members_of(evaluation: Evaluation) -> set[Pair]:
    return {
        (segment_id, customer_id)
        for segment_id, members in evaluation.members.items()
        for customer_id in members
    }


def remove_departed(workspace: WorkspaceRules, ids: Collection[UUID], now: datetime) -> None:
    """Remove deleted customers from all segments."""
    parameters = {"workspace_id": workspace.id, "ids": list(ids)}
    left = fetch_all(REMOVE_DEPARTED, parameters, prepare=False)
    note_changes(workspace, [], left, now)


def note_changes(
    workspace: WorkspaceRules,
    entered: Sequence[Pair],
    left: Sequence[Pair],
    now: datetime,
    *,
    unlogged: Collection[UUID] = (),
    forgotten: Mapping[UUID, int] | None = None,
) -> None:
    """Update sizes, and publish who entered and left; of `forgotten` customers only the number."""
    forgotten = forgotten or {}
    entered_by = Counter(segment_id for segment_id, _ in entered)
    left_by = Counter(segment_id for segment_id, _ in left) + Counter(forgotten)
    segments = sorted(entered_by.keys() | left_by.keys())
    if not segments:
        return
    logged = [
        (segment_id, customer_id, has_entered)
        for pairs, has_entered in ((entered, True), (left, False))
        for segment_id, customer_id in pairs
        if segment_id not in unlogged
    ]
    if logged:
        notify_on_commit(workspace.id)
    fetch_all(
        NOTE_SIZES,
        {
            "workspace_id": workspace.id,
            "segments": segments,
            "entered": [entered_by[each] for each in segments],
            "departed": [left_by[each] for each in segments],
            "logged_entered": [0 if each in unlogged else entered_by[each] for each in segments],
            "logged_departed": [0 if each in unlogged else left_by[each] for each in segments],
            "day": now.astimezone(workspace.zone).date(),
            "now": now,
            "logged_ids": [new_id() for _ in logged],
            "logged_segments": [segment_id for segment_id, _, _ in logged],
            "logged_customers": [customer_id for _, customer_id, _ in logged],
            "logged_directions": [has_entered for _, _, has_entered in logged],
        },
        prepare=False,
    )


def _existing(
    workspace_id: UUID, segments: list[UUID], compared: Compared
) -> tuple[set[Pair], dict[Pair, datetime]]:
    """Return the stored members and due evaluations of the compared customers."""
    if not segments:
        return set(), {}
    parameters = {"workspace_id": workspace_id, "segments": segments}
    if compared.is_range:
        statement = EXISTING_BETWEEN
        parameters |= {"after": compared.after, "until": compared.until}
    else:
        statement = EXISTING
        parameters |= {"ids": list(compared.ids)}
    members: set[Pair] = set()
    due: dict[Pair, datetime] = {}
    for segment_id, customer_id, due_at in fetch_all(statement, parameters, prepare=False):
        if due_at is None:
            members.add((segment_id, customer_id))
        else:
            due[segment_id, customer_id] = due_at
    return members, due


def _lock_customers(workspace_id: UUID, ids: set[UUID]) -> set[UUID]:
    """Lock the live customers among `ids` until the transaction ends, and return them.

    Without those that another transaction has locked.
    """
    if not ids:
        return set()
    parameters = {"workspace_id": workspace_id, "ids": sorted(ids)}
    return {customer_id for (customer_id,) in fetch_all(HOLD, parameters, prepare=False)}


def _evaluate_later(workspace_id: UUID, ids: set[UUID]) -> None:
    """Have customers evaluated again; nothing is found of those that are gone by then."""
    PendingCustomer.objects.bulk_create(
        PendingCustomer(workspace_id=workspace_id, customer_id=each) for each in sorted(ids)
    )


def _pairs(
    statement: str, workspace_id: UUID, pairs: Iterable[Pair], **parameters: object
) -> list[Pair]:
    """Execute a statement for pairs of segment and customer; return the affected pairs."""
    ordered = sorted(pairs)
    if not ordered:
        return []
    given = {
        "workspace_id": workspace_id,
        "segments": [segment_id for segment_id, _ in ordered],
        "customers": [customer_id for _, customer_id in ordered],
    }
    return fetch_all(statement, given | parameters, prepare=False)


def _set_due(workspace_id: UUID, due: Mapping[Pair, datetime]) -> None:
    pairs = sorted(due)
    if pairs:
        _pairs(SET_DUE, workspace_id, pairs, moments=[due[pair] for pair in pairs])
