"""Enqueue Celery tasks, debounced: at most one message per task, process and second.

The work itself is rows in the database. A message only starts it earlier than the periodic task
that beat sends, so a lost message costs time, not work. Sending one costs more than an INSERT of a
row, hence the debouncing.
"""

from __future__ import annotations

import threading
import time

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger("contacthub.enqueue")

SECONDS_BETWEEN = 1.0

_lock = threading.Lock()
_last_run: dict[str, float] = {}  # when the latest message of a task is due, by time.monotonic()


def enqueue_on_commit(task: str) -> None:
    """Enqueue the task of this name after the transaction commits."""
    transaction.on_commit(lambda: enqueue(task))


def enqueue(task: str) -> None:
    """Enqueue the task of this name unless a message for it is already due."""
    now = time.monotonic()
    with _lock:
        last = _last_run.get(task, 0.0)
        if last > now:
            return  # the message that is due will find what has just been committed
        delay = max(0.0, last + SECONDS_BETWEEN - now)
        _last_run[task] = now + delay
    try:
        current_app.send_task(task, countdown=delay or None, retry=False)
    except OperationalError:
        log.warning("no broker, the work waits for the next sweep", task=task)
