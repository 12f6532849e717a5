"""Removes forgotten customers from all tables of segments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from contacthub_project.db.sql import fetch_one, load
from contacthub_project.messaging.enqueue import enqueue_on_commit

FORGET = load("segments/sql/forget_customers")


def forget_customers(workspace_id: UUID, customer_ids: Sequence[UUID]) -> Counter[str]:
    """Remove all traces of customers that the caller holds; how many rows of which tables.

    Sizes follow later: whoever evaluates segments holds these before customers.
    """
    parameters = {"workspace_id": workspace_id, "ids": list(customer_ids)}
    members, listed, due, changes = fetch_one(FORGET, parameters, prepare=False)
    if members:
        enqueue_on_commit("segments.tasks.refresh")
    return Counter(
        {
            "segments_member": members,
            "segments_listedcustomer": listed,
            "segments_dueevaluation": due,
            "segments_membershipchange": changes,
        }
    )
