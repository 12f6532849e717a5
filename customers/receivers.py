"""What customers do about facts of the configuration below."""

from __future__ import annotations

from typing import Any

from configuration.signals import customer_extended_changed
from contacthub_project.nudges import nudge_on_commit
from customers.actions.property_indexes import TASK


def connect() -> None:
    """Listen; called once per process while Django starts."""
    customer_extended_changed.connect(_look_at_indexes, dispatch_uid="property indexes")


def _look_at_indexes(**_: Any) -> None:
    nudge_on_commit(TASK)
