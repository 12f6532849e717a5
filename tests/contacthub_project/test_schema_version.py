"""An older program on newer tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer, socket_folder
from contacthub_project.runtime.embedded.postgres import USER
from contacthub_project.runtime.schema_version import (
    NewerTablesError,
    refuse_newer_tables,
    unknown_migrations,
)
from tests.product import ROOT, free_port

pytestmark = pytest.mark.timeout(300)
SAID = "The database is newer than this program"


def test_a_database_of_this_program_is_known(db: None) -> None:
    assert unknown_migrations() == []
    refuse_newer_tables()


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("customers", "0002_from_the_future"),
        ("auth", "0099_of_a_package"),
        ("an_app_of_the_future", "0001_initial"),
    ],
)
def test_a_migration_that_is_not_known_is_named(db: None, app: str, name: str) -> None:
    MigrationRecorder(connection).record_applied(app, name)
    assert unknown_migrations() == [f"{app}.{name}"]
    with pytest.raises(NewerTablesError, match=f"{app}.{name}"):
        refuse_newer_tables()


def test_what_a_squashed_migration_stands_for_is_known(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db.migrations.loader import MigrationLoader

    load = MigrationLoader.load_disk

    def with_squashed(self: MigrationLoader) -> None:
        load(self)
        self.disk_migrations["customers", "0001_initial"].replaces = [("customers", "0000_old")]

    monkeypatch.setattr(MigrationLoader, "load_disk", with_squashed)
    monkeypatch.setattr(MigrationLoader, "build_graph", with_squashed)
    MigrationRecorder(connection).record_applied("customers", "0000_old")
    assert unknown_migrations() == []


def test_an_empty_database_is_known(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")
    assert unknown_migrations() == []


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder whose database was migrated by a program of the future."""
    data = tmp_path_factory.mktemp("newer") / "data"
    servers = [PostgresServer(data), ValkeyServer(data)]
    for server in servers:
        server.attach()
    try:
        done = run(data, "migrate", "--verbosity", "0")
        assert done.returncode == 0, done.stderr
        with psycopg.connect(PostgresServer(data)._address("contacthub")) as database:
            database.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('customers', '0002_from_the_future', now())"
            )
        yield data
    finally:
        for server in reversed(servers):
            server.detach()


def start(data: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    hidden = {"SHARED_VERSION_FILE", "HTTPS", "DATABASE_URL", "REDIS_URL", "TEST_DATABASE_TEMPLATE"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.Popen(
        [sys.executable, *command],
        env=kept | {"CONTACTHUB_DATA": str(data), "HTTPS": "false"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    process = start(data, "manage.py", *arguments)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("createsuperuser", "--noinput", "--username", "olivia"),
        ("recount",),
        ("shell", "-c", "print(1)"),
        ("web", "--port", "{port}"),
        ("serve", "--port", "{port}", "--no-demo"),
    ],
    ids=" ".join,
)
def test_manage_refuses_newer_tables(newer: Path, command: tuple[str, ...]) -> None:
    port = str(free_port())
    done = run(newer, *(each.replace("{port}", port) for each in command))
    assert done.returncode == 1
    assert SAID in done.stderr
    assert "customers.0002_from_the_future" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["worker", "beat"])
def test_celery_refuses_newer_tables(newer: Path, what: str) -> None:
    options = ["--pidfile=", "--schedule", str(newer / "beat")] if what == "beat" else ["-c", "1"]
    process = start(newer, "-m", "celery", "-A", "contacthub_project.celery", what, *options)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert SAID in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [("showmigrations", "customers"), ("check",), ("diffsettings",), ("makemigrations", "--check")],
    ids=" ".join,
)  # fmt: skip
def test_what_only_looks_still_works(newer: Path, command: tuple[str, ...]) -> None:
    done = run(newer, *command)
    assert done.returncode == 0, done.stderr
    assert SAID not in done.stderr


def test_the_web_server_checks_again_when_the_database_responds(newer: Path) -> None:
    """Started while the database is away it answers 503, and ends once it learns of the tables."""
    port = free_port()
    later = f"postgres://{USER}@/later?host={socket_folder(newer)}"
    web = ("manage.py", "web", "--port", str(port), "--workers", "1")
    process = start(newer, *web, DATABASE_URL=later)
    try:
        deadline = time.monotonic() + 60
        while status_of_health(port) != 503:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        with psycopg.connect(PostgresServer(newer)._address("postgres"), autocommit=True) as one:
            one.execute("CREATE DATABASE later TEMPLATE contacthub")
        _, err = process.communicate(timeout=60)
    finally:
        process.terminate()
    assert process.returncode == 1
    assert SAID in err


def status_of_health(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/v1/health", timeout=10) as got:
            return got.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0
