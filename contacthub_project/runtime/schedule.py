"""Beat's scheduler."""

from __future__ import annotations

from django_celery_beat.schedulers import DatabaseScheduler

from contacthub_project.runtime.schema_version import NewerTablesError, wait_until_known


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Keeps the schedule in the database, unless that is newer than the program."""

    def setup_schedule(self) -> None:
        try:
            wait_until_known()
        except NewerTablesError as refused:
            raise SystemExit(str(refused)) from None
        super().setup_schedule()
