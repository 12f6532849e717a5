"""The base of embedded servers: reference counting of their users, start, stop and recovery."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil

START_SECONDS = 60
STOP_SECONDS = 60
# A unix socket's path may have 107 bytes; PostgreSQL appends "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be started or stopped; the message says what to do."""


def socket_folder(data: Path) -> Path:
    """Return the folder of the sockets of the servers of a data folder.

    It is `run` inside the data folder, unless that path is too long for a socket or holds
    characters that client libraries would have to quote; then a short private folder.
    """
    folder = data / "run"
    plain = PLAIN_PATH.fullmatch(str(folder)) is not None
    if plain and len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"contacthub-{os.getuid()}-{digest}"


class EmbeddedServer:
    """One bundled server process, shared by all processes that use the same data folder.

    Users hold a shared lock on a file, which the kernel releases even after kill -9; whoever
    leaves last stops the server. Starting and stopping happen under an exclusive lock.
    """

    name: str
    title: str
    executable: str
    stop_signal = signal.SIGTERM

    def __init__(self, data: Path) -> None:
        self.data = data
        self.home = data / self.name
        self.sockets = socket_folder(data)
        self.log = data / "logs" / f"{self.name}.log"
        self._users: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # Implemented by each server.

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the data folder ready for a first start; called under the exclusive lock."""

    def is_answering(self) -> bool:
        """Return whether a client can connect and be served."""
        raise NotImplementedError

    def drop_stale_locks(self) -> None:
        """Remove lock files of a killed process, which would keep the next one from starting."""

    def pid(self) -> int | None:
        """Return the process id in the server's file; the process may have ended."""
        raise NotImplementedError

    # The same for all servers.

    def attach(self) -> None:
        """Use the server: start it if it is not running, wait until it accepts connections."""
        for folder in (self.data, self.home, self.log.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._only_one_at_a_time():
            if self._users is None:
                self._users = open(self.data / f"{self.name}.users", "w")  # noqa: SIM115
                fcntl.flock(self._users, fcntl.LOCK_SH)
            self._ensure_started()

    def revive(self) -> bool:
        """Start the server again if it has ended; return whether it had."""
        if self.is_alive():
            return False
        with self._only_one_at_a_time():
            return self._ensure_started()

    def detach(self) -> None:
        """Stop using the server; the last user stops it."""
        if self._users is None:
            return
        with self._only_one_at_a_time():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._stop()
            self._users.close()
            self._users = None

    def is_alive(self) -> bool:
        """Return whether the server's process exists and is no zombie."""
        # Reaps an ended process. Its file may be empty if the disk was full.
        if self._process is not None and self._process.poll() is None:
            return True
        pid = self.pid()
        if pid is None:
            return False
        try:
            process = psutil.Process(pid)
            is_zombie = process.status() == psutil.STATUS_ZOMBIE
            return not is_zombie and bool(process.name() == self.executable)
        except psutil.NoSuchProcess:
            return False

    def _ensure_started(self) -> bool:
        if self.is_alive():
            self._wait_until_answering()
            return False
        self._make_socket_folder()
        self.prepare()
        self.drop_stale_locks()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._spawn()
            try:
                self._wait_until_answering()
                return True
            except EmbeddedServerError:
                # Children of a killed server may hold its shared memory for a moment longer.
                if time.monotonic() > deadline or not self._may_retry():
                    raise
                time.sleep(0.2)
                self.drop_stale_locks()

    def _may_retry(self) -> bool:
        return "shared memory block" in self._last_log_lines()

    def _spawn(self) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us, and we stop it in its turn
                **self.identity(),
            )

    def identity(self) -> dict[str, Any]:
        """Keyword arguments for Popen that set the account the server runs under."""
        return {}

    def _wait_until_answering(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.is_answering():
            exited = self._process is not None and self._process.poll() is not None
            if exited or time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"{self.title} does not start; the end of {self.log}:\n"
                    + self._last_log_lines()
                )
            time.sleep(0.02)

    def _stop(self) -> None:
        pid = self.pid()
        if pid is not None and self.is_alive():
            os.kill(pid, self.stop_signal)
            deadline = time.monotonic() + STOP_SECONDS
            while self.is_alive():
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(f"{self.title} (process {pid}) does not stop")
                time.sleep(0.02)
            if self._process is not None:
                self._process.wait(STOP_SECONDS)  # its files go a moment before it does
        if self.sockets.parent != self.data:
            with contextlib.suppress(OSError):
                self.sockets.rmdir()  # the last server to stop leaves it empty

    def _make_socket_folder(self) -> None:
        self.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(self.sockets)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.getuid(), self._owner()}:
            raise EmbeddedServerError(f"{self.sockets} belongs to somebody else; remove it")

    def _owner(self) -> int:
        return int(self.identity().get("user", os.getuid()))

    def _last_log_lines(self) -> str:
        if not self.log.exists():
            return ""
        return b"\n".join(self.log.read_bytes().splitlines()[-15:]).decode(errors="replace")

    @contextlib.contextmanager
    def _only_one_at_a_time(self) -> Iterator[None]:
        with open(self.data / f"{self.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
