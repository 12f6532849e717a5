"""The commands that start the product's long-running programs."""

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
    """Return the web server, with so many processes.

    `environment` are its additional environment variables.
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
    """Return the Celery worker, with two processes."""
    command = [
        *CELERY, "worker", "--concurrency", "2", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    return Program("worker", command, log, _environment())


def deliverer(log: Path) -> Program:
    """Return the Celery worker that does nothing but deliver to webhooks, in one process.

    It sends no heartbeats: those that health looks for are of the worker that does everything.
    """
    command = [
        *CELERY, "worker", "--pool", "solo", "--queues", "deliveries",
        "--hostname", "deliveries@%h", "--loglevel", "WARNING",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    return Program("deliverer", command, log, _environment())


def beat(log: Path) -> Program:
    """Return Celery's beat."""
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
