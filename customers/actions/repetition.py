"""Repeats transactions that another writer was faster than."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction

from configuration.queries.rules import WorkspaceRules, latest_rules_of
from contacthub_project.core.errors import Unavailable
from contacthub_project.db.deadlocks import repeated_on_deadlock
from customers.actions.customers import ATTEMPTS
from customers.actions.writes import ConcurrentChange, NodeNotOpen

Result = TypeVar("Result")


@repeated_on_deadlock
def repeated_on_conflict(
    workspace: WorkspaceRules, write: Callable[[WorkspaceRules], Result]
) -> Result:
    """Return the result of `write`, called with the workspace's rules within a transaction.

    It is called again, with the latest rules, when it raises NodeNotOpen, ConcurrentChange or
    IntegrityError. Raises Unavailable when it did so each time.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return write(workspace)
        except (NodeNotOpen, ConcurrentChange, IntegrityError):
            workspace = latest_rules_of(workspace.id) or workspace
    raise Unavailable
