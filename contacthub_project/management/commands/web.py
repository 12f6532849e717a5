"""`manage.py web`: run the web server alone, with its metrics, for servers with an init system."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from contacthub_project.runtime import metrics_gathering, open_files, preflight, programs
from contacthub_project.runtime.database_connections import missing_connections
from contacthub_project.runtime.schema_version import NewerTablesError, refuse_newer_tables
from contacthub_project.runtime.supervisor import Supervisor

PAUSE_SECONDS = 5.0


class Command(BaseCommand):
    help = "Run the web server until it is told to end."
    requires_system_checks: list[str] = []
    _is_known = False
    _next_check = 0.0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--port", type=preflight.port_number, default=8000, help="metrics are at the next one"
        )
        parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 8))

    def handle(self, *, host: str, port: int, workers: int, **_: Any) -> None:
        self.workers = workers
        try:
            preflight.check_ports(host, port, metrics_address=settings.METRICS_ADDRESS)
        except preflight.RefusedError as refused:
            raise CommandError(str(refused), returncode=preflight.EXIT_STATUS) from None
        open_files.raise_limit()
        with contextlib.ExitStack() as context:
            # Its own folder: other web servers may share the data folder.
            folder = context.enter_context(tempfile.TemporaryDirectory(prefix="contacthub-"))
            try:
                context.enter_context(
                    metrics_gathering.served(
                        settings.METRICS_ADDRESS, port + 1, folder=Path(folder)
                    )
                )
            except OSError as failure:
                raise CommandError(f"no metrics at port {port + 1}: {failure}") from None
            self.serve(host, port, workers)

    def serve(self, host: str, port: int, workers: int) -> None:
        server = programs.web(host, port, workers)
        supervisor = Supervisor([server], report=self.stdout.write, watch=self.refuse_newer_tables)
        supervisor.stop_on_signals()
        try:
            self.refuse_newer_tables()
            supervisor.start()
            supervisor.run()
        except NewerTablesError as refused:
            raise CommandError(str(refused)) from None
        finally:
            supervisor.stop()

    def refuse_newer_tables(self) -> None:
        """Raise NewerTablesError; without a database try again later (requests are 503 then)."""
        if self._is_known or time.monotonic() < self._next_check:
            return
        try:
            refuse_newer_tables()
            self._is_known = True
            if (lack := missing_connections(self.workers)) is not None:
                self.stderr.write(lack)
        except DatabaseError:
            self._next_check = time.monotonic() + PAUSE_SECONDS
        finally:
            connection.close()
