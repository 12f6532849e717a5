"""The scheduler of Celery's beat."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django_celery_beat.schedulers import (
    SCHEDULE_SYNC_MAX_INTERVAL,
    DatabaseScheduler,
    ModelEntry,
)

from contacthub_project.runtime.schema_version import NewerTablesError, wait_until_known

CLOCK_STEP = 1.0  # seconds; a larger difference of the clock is a step, not a slow correction


class Entry(ModelEntry):  # type: ignore[misc]
    """Treats a last run in the future, before the clock was put back, as a run now."""

    last_run_at: Any

    def is_due(self) -> Any:
        now = self._default_now()
        if self.last_run_at > now:
            self.last_run_at = self.model.last_run_at = now
        return super().is_due()


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """Keeps the schedule in the database, unless that is newer than the program.

    The schedule is computed again when the clock is put ahead or back: otherwise tasks would wait
    for their time by the old clock.
    """

    Entry = Entry
    _clock: float | None = None

    def setup_schedule(self) -> None:
        try:
            wait_until_known()
        except NewerTablesError as refused:
            raise SystemExit(str(refused)) from None
        super().setup_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        clock = time.time() - time.monotonic()
        if self._clock is not None and abs(clock - self._clock) > CLOCK_STEP:
            # The next use of `schedule` reads all of it from the database.
            self._last_full_sync = datetime.now() - timedelta(seconds=SCHEDULE_SYNC_MAX_INTERVAL)
        self._clock = clock
        return super().tick(*args, **kwargs)
