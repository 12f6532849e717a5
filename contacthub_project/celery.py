"""The Celery app: settings named CELERY_*, tasks in each app's `tasks` module."""

import contextlib
import os

from celery import Celery
from celery.signals import heartbeat_sent, task_failure, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")

app = Celery("contacthub", task_cls="contacthub_project.messaging.tasks:BaseTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@heartbeat_sent.connect
def _note_heartbeat(**_: object) -> None:
    from contacthub_project.runtime.health import record_heartbeat

    record_heartbeat()


@worker_init.connect
def _refuse_newer_tables(**_: object) -> None:
    """End a worker before it takes a task.

    SystemExit is the exception that Celery lets a receiver raise.
    """
    from contacthub_project.runtime.schema_version import NewerTablesError, wait_until_known

    try:
        wait_until_known()
    except NewerTablesError as refused:
        raise SystemExit(str(refused)) from None


@task_failure.connect
def _record_failure(
    sender: object = None, exception: BaseException | None = None, **_: object
) -> None:
    """Keep the failure for the operations page; its task fails the same without a database."""
    from django.db import DatabaseError

    from analytics.actions.sampling import record_failure

    if exception is not None:
        with contextlib.suppress(DatabaseError):
            record_failure(str(getattr(sender, "name", "")), exception)
