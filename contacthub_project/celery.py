"""The Celery app: settings named CELERY_*, tasks in each app's `tasks` module."""

import os

from celery import Celery
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")

app = Celery("contacthub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@heartbeat_sent.connect
def _note_heartbeat(**_: object) -> None:
    from contacthub_project.runtime.health import record_heartbeat

    record_heartbeat()
