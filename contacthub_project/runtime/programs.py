"""How the product's long-running programs are started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from contacthub_project.runtime.supervisor import Program

CELERY = [sys.executable, "-m", "celery", "-A", "contacthub_project.celery"]


def web(
    host: str,
    port: int,
    workers: int,
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Program:
    """The web server: so many processes, each with the turns of the settings.

    `environment` is what is different in it.
    """
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop",
        "--host", host, "--port", str(port), "--workers", str(workers),
        "--backpressure", str(2 * settings.WEB_REQUESTS), "--respawn-failed-workers",
        "--workers-kill-timeout", "20", "--backlog", "2048", "--http1-buffer-size", "65536",
        "--http1-header-read-timeout", "30000",
        "--no-ws", "--http", "1", "--log-level", "warning",
        "contacthub_project.asgi:application",
    ]  # fmt: skip
    return Program("web", command, log, _environment() | dict(environment or {}))


def worker(log: Path) -> Program:
    """Two processes that work on tasks."""
    command = [
        *CELERY, "worker", "--concurrency", "2", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return Program("worker", command, log, _environment())


def beat(log: Path) -> Program:
    """The schedule."""
    command = [
        *CELERY, "beat", "--loglevel", "WARNING",
        "--schedule", str(settings.DATA / "celerybeat-schedule"), "--pidfile=",
    ]  # fmt: skip
    return Program("beat", command, log, _environment())


def _environment() -> dict[str, str]:
    return os.environ | {
        "CONTACTHUB_DATA": str(settings.DATA),
        "DJANGO_SETTINGS_MODULE": "contacthub_project.settings",
    }
