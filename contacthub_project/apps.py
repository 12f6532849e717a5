from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class PlatformConfig(AppConfig):
    """The project itself: commands, logs, and the Celery app that `shared_task` binds to."""

    name = "contacthub_project"
    label = "platform"

    def ready(self) -> None:
        from contacthub_project import celery
        from contacthub_project.admin.model_names import translate_names
        from contacthub_project.admin.observers import AuditObserver
        from contacthub_project.runtime import logs
        from customers import observers

        celery.app.set_default()
        logs.configure(settings.LOGGING)
        observers.register(AuditObserver())
        translate_names()
