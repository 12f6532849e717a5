"""`manage.py serve`: run the whole product: servers, web, worker and beat. `./run` calls it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from contacthub_project.api import BASE_PATH
from contacthub_project.runtime import metrics_gathering, open_files, preflight, programs
from contacthub_project.runtime.database_connections import (
    missing_connections,
    needed_connections,
)
from contacthub_project.runtime.disk_reserve import DiskReserve
from contacthub_project.runtime.embedded import (
    EmbeddedServer,
    EmbeddedServerError,
    PostgresServer,
    servers,
    socket_folder,
)
from contacthub_project.runtime.schema_version import NewerTablesError, refuse_newer_tables
from contacthub_project.runtime.supervisor import Program, Supervisor

READY_SECONDS = 60


class Command(BaseCommand):
    help = "Run servers, web, worker and beat until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=preflight.port_number, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 8))
        parser.add_argument("--no-demo", action="store_true", help="make no demo workspace")

    def handle(self, *, port: int, host: str, workers: int, no_demo: bool, **_: Any) -> None:
        self.started = time.monotonic()
        self.failing: set[str] = set()
        try:
            lock = preflight.lock_folder(settings.DATA)
            preflight.check_ports(host, port, metrics_address=settings.METRICS_ADDRESS)
        except preflight.RefusedError as refused:
            raise CommandError(str(refused), returncode=preflight.EXIT_STATUS) from None
        open_files.raise_limit()
        with lock, self.metrics_endpoint(port + 1), self.disk_reserve():
            self.serve(port=port, host=host, workers=workers, no_demo=no_demo)

    def serve(self, *, port: int, host: str, workers: int, no_demo: bool) -> None:
        attached = servers(
            data=settings.DATA,
            postgres=settings.USES_EMBEDDED_POSTGRES,
            valkey=settings.USES_EMBEDDED_VALKEY,
            connections=needed_connections(workers),
        )
        supervisor = Supervisor(
            _programs(host, port, workers),
            report=self.log_progress,
            watch=lambda: self.revive_servers(attached),
        )
        supervisor.stop_on_signals()
        try:
            for server in attached:
                self.log_progress(f"Starting {server.title}")
                server.attach()
            self.log_progress("Migrating the database")
            refuse_newer_tables()
            call_command("migrate", interactive=False, verbosity=0)
            if settings.USES_EMBEDDED_POSTGRES:  # takes a second at the first start
                threading.Thread(target=PostgresServer(settings.DATA).preallocate_log).start()
            if (lack := missing_connections(workers)) is not None:
                self.log_progress(lack)
            facts = None if no_demo else self.make_demo(host, port)
            self.log_progress("Starting web server, worker and beat")
            supervisor.start()
            self.wait_until_ready(supervisor, host, port)
            self.print_addresses(host, port, facts)
            supervisor.run()
        except (EmbeddedServerError, NewerTablesError) as failure:
            raise CommandError(str(failure)) from None
        finally:
            self.log_progress("Stopping")
            supervisor.stop()
            for server in reversed(attached):
                server.detach()
            self.log_progress("Stopped")

    def log_progress(self, message: str) -> None:
        with contextlib.suppress(OSError):  # the output may be a file on a full disk
            self.stdout.write(f"[{time.monotonic() - self.started:5.1f} s] {message}")
            self.stdout.flush()

    def revive_servers(self, attached: list[EmbeddedServer]) -> None:
        for server in attached:
            try:
                if server.revive():
                    self.log_progress(
                        f"{server.title} ended and was started again; see {server.log}"
                    )
                    self.failing.discard(server.name)
            except (EmbeddedServerError, OSError) as failure:  # for example, the disk is full
                if server.name not in self.failing:
                    self.log_progress(
                        f"{server.title} cannot be started, which is tried again: {failure}"
                    )
                self.failing.add(server.name)

    @contextlib.contextmanager
    def disk_reserve(self) -> Iterator[None]:
        if not settings.USES_EMBEDDED_POSTGRES:
            yield
            return
        reserve = DiskReserve(
            settings.DATA,
            size=settings.DISK_RESERVE,
            keep_free=settings.FREE_BYTES,
            checkpoint=PostgresServer(settings.DATA).checkpoint,
            report=self.log_progress,
        )
        with reserve.watched():
            yield

    def make_demo(self, host: str, port: int) -> dict[str, Any]:
        from contacthub_project.runtime.demo import ensure_demo

        return ensure_demo(file=settings.DATA / "demo.json", base_url=_url(host, port))

    def wait_until_ready(self, supervisor: Supervisor, host: str, port: int) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not supervisor.is_stopping and not _is_healthy(host, port):
            if time.monotonic() > deadline:
                logs = ", ".join(str(program.log) for program in supervisor.programs)
                raise CommandError(f"not ready after {READY_SECONDS} s; see {logs}")
            for program in supervisor.programs:
                program.revive()
            time.sleep(0.1)

    @contextlib.contextmanager
    def metrics_endpoint(self, port: int) -> Iterator[None]:
        """Serve the metrics, within the context; entered first, so that the port is surely ours."""
        with contextlib.ExitStack() as context:
            try:
                context.enter_context(
                    metrics_gathering.served(
                        settings.METRICS_ADDRESS, port, folder=socket_folder(settings.DATA)
                    )
                )
            except OSError as failure:
                raise CommandError(
                    f"no metrics at port {port}: {failure}", returncode=preflight.EXIT_STATUS
                ) from None
            yield

    def print_addresses(self, host: str, port: int, facts: dict[str, Any] | None) -> None:
        url = _url(host, port)
        lines = [
            "",
            "Contacthub is running.",
            f"  API      {url}{BASE_PATH}",
            f"  Docs     {url}/docs  and  {url}/redoc",
            f"  Admin    {url}/admin/",
            f"  Metrics  http://{settings.METRICS_ADDRESS}:{port + 1}/metrics",
            f"  Logs     {settings.DATA / 'logs'}",
        ]
        if facts is not None:
            lines += _demo_lines(url, facts)
        self.stdout.write("\n".join([*lines, "", "Ctrl-C stops everything."]))
        self.stdout.flush()


def _demo_lines(url: str, facts: dict[str, Any]) -> list[str]:
    customers = f"{url}{BASE_PATH}/workspaces/{facts['workspaceId']}/customers"
    body = (
        f'{{"nodeId": "{facts["nodeIds"][0]}", "base": {{"firstName": "Ada", '
        '"contacts": {"email": "ada@example.com"}}}'
    )
    return [
        f"  Sign in  {facts['login']['username']} / {facts['login']['password']}",
        f"  Tokens   {settings.DATA / 'demo.json'} (trusted, untrusted, operator, admin, dpo)",
        "",
        "Create a first customer:",
        "",
        f"curl -i {customers} \\",
        f"  -H 'Authorization: Bearer {facts['tokens']['trusted']}' \\",
        "  -H 'Content-Type: application/json' \\",
        f"  -d '{body}'",
    ]


def _programs(host: str, port: int, workers: int) -> list[Program]:
    logs = settings.DATA / "logs"
    # Plain HTTP on the loopback address; anywhere else the environment decides.
    https = os.environ.get("HTTPS", "false" if host in {"127.0.0.1", "::1"} else "true")
    return [
        programs.web(
            host,
            port,
            workers,
            log=logs / "web.log",
            environment={"HTTPS": https},
        ),
        programs.worker(logs / "worker.log"),
        programs.deliverer(logs / "deliverer.log"),
        programs.beat(logs / "beat.log"),
    ]


def _url(host: str, port: int) -> str:
    return settings.PUBLIC_URL or f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"


def _is_healthy(host: str, port: int) -> bool:
    allowed = settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else "localhost"
    request = urllib.request.Request(
        f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}{BASE_PATH}/health",  # noqa: S104
        headers={"Host": "localhost" if allowed == "*" else allowed.removeprefix(".")},
    )
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return b'"worker":{"status":"UP"}' in answer.read()
    except (urllib.error.URLError, OSError):
        return False
