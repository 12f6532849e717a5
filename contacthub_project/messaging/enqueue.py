"""Telling the workers that there is something to do.

What is to be done always stands in the database; a nudge only makes it happen soon. So a lost
nudge costs time, never work, and beat sweeps behind. Sending one costs more than a row's INSERT: a
process sends at most about one a second of each kind.
"""

from __future__ import annotations

import threading
import time

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger("contacthub.nudges")

SECONDS_BETWEEN = 1.0

_lock = threading.Lock()
_last_run: dict[str, float] = {}  # when the latest nudge of a kind runs, by time.monotonic()


def enqueue_on_commit(task: str) -> None:
    """Have the task of this name run soon after the transaction commits, if it does."""
    transaction.on_commit(lambda: enqueue(task))


def enqueue(task: str) -> None:
    """Have the task of this name run soon."""
    now = time.monotonic()
    with _lock:
        last = _last_run.get(task, 0.0)
        if last > now:
            return  # one is on its way, and will find what we have just committed
        delay = max(0.0, last + SECONDS_BETWEEN - now)
        _last_run[task] = now + delay
    try:
        current_app.send_task(task, countdown=delay or None, retry=False)
    except OperationalError:
        log.warning("no broker, the work waits for the next sweep", task=task)
