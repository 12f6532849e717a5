"""The base of all Celery tasks."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Ignore

from contacthub_project.runtime.disk import database_has_room


class BaseTask(Task):  # type: ignore[misc]
    """Does not start while there is too little space on the disk; the next sweep repeats its work.

    Tasks with the option `needs_room=False` free space.
    """

    abstract = True
    needs_room = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if self.needs_room and not database_has_room():
            raise Ignore
