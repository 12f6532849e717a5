"""Reacts to changes of the configuration."""

from __future__ import annotations

from typing import Any

from analytics.actions.folding import TASK
from configuration.signals import time_zone_changed
from contacthub_project.messaging.enqueue import enqueue_on_commit


def connect() -> None:
    """Connect the receivers; called once per process while Django starts."""
    time_zone_changed.connect(_recount, dispatch_uid="counters")


def _recount(**_: Any) -> None:
    enqueue_on_commit(TASK)
