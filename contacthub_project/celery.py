"""The Celery app: settings named CELERY_*, tasks in each app's `tasks` module."""

import os

from celery import Celery
from celery.signals import heartbeat_sent, worker_init

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
