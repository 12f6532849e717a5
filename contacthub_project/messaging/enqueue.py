"""Enqueues Celery tasks, debounced: at most one message per task, process and second.

The work is stored as rows in the database. A message only starts it earlier than the periodic task
does, so a lost message costs time, not work. Sending one costs more than an INSERT, hence the
debouncing.
"""

from __future__ import annotations

import asyncio
import threading
import time

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from contacthub_project.runtime.blocking import in_event_loop

log = structlog.get_logger("contacthub.enqueue")

SECONDS_BETWEEN = 1.0

_lock = threading.Lock()
_last_run: dict[str, float] = {}  # when the latest message of a task is due, by time.monotonic()


def enqueue_on_commit(task: str) -> None:
    """Enqueue the task of this name after the transaction commits.

    In an event loop there is no transaction: the rows are committed already.
    """
    if in_event_loop():
        enqueue(task)
    else:
        transaction.on_commit(lambda: enqueue(task))


def enqueue(task: str) -> None:
    """Enqueue the task of this name unless a message for it is already due."""
    now = time.monotonic()
    with _lock:
        last = _last_run.get(task, 0.0)
        if last > now:
            return  # the message that is due will find the rows just committed
        delay = max(0.0, last + SECONDS_BETWEEN - now)
        _last_run[task] = now + delay
    if delay:
        # No `countdown`: the worker would wait by this machine's clock, which may be wrong.
        timer = threading.Timer(delay, _send, [task])
        timer.daemon = True
        timer.start()
    elif in_event_loop():
        asyncio.get_running_loop().run_in_executor(None, _send, task)
    else:
        _send(task)


def _send(task: str) -> None:
    try:
        current_app.send_task(task, retry=False)
    except OperationalError:
        log.warning("no broker, the work waits for the next sweep", task=task)
