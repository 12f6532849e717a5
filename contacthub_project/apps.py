from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class PlatformConfig(AppConfig):
    """The project itself: commands, logs, and the Celery app that `shared_task` binds to."""

    name = "contacthub_project"
    label = "platform"

    def ready(self) -> None:
        from contacthub_project import celery, logs
        from contacthub_project.back_office.follower import AuditFollower
        from customers import followers

        celery.app.set_default()
        logs.configure(settings.LOGGING)
        followers.register(AuditFollower())
