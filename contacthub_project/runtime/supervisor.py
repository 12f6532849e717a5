"""Keeps the product's processes running, and stops them in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

STOP_SECONDS = 30
LARGEST_LOG = 50 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """A child process that is started again when it ends by itself.

    Without a log it writes to the output of this process.
    """

    name: str
    command: Sequence[str]
    log: Path | None
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """Start it, with its output going to its log."""
        with opened_log(self.log) as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self.started = time.monotonic()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> bool:
        """Start it again if it has ended and its pause is over; return whether it was started."""
        if self.process is None or self.process.poll() is None:
            return False
        self._kill_group()  # its own children may still hold its port
        lived = time.monotonic() - self.started
        self.failures = 0 if lived > 60 else self.failures
        if lived < min(0.5 * 2**self.failures, 30):
            return False
        self.failures += 1
        self.start()
        return True

    def stop(self) -> None:
        """Terminate it; kill it when it does not end."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self._kill_group()
        self.process.wait()

    def _kill_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class Supervisor:
    """Runs programs until SIGINT or SIGTERM.

    `watch` is called about twice a second, to check servers that are not child processes.
    """

    programs: list[Program]
    report: Callable[[str], None]
    watch: Callable[[], None]
    _stopping: bool = field(default=False, init=False)

    def stop_on_signals(self) -> None:
        """Make SIGINT and SIGTERM end `run` instead of this process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request_stop)

    def start(self) -> None:
        for program in self.programs:
            program.start()

    def run(self) -> None:
        """Keep everything running until a signal comes."""
        while not self._stopping:
            for program in self.programs:
                if program.revive():
                    see = f"; see {program.log}" if program.log else ""
                    with contextlib.suppress(OSError):  # it may go to a file on a full disk
                        self.report(f"{program.name} ended and was started again{see}")
            self.watch()
            time.sleep(0.5)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """End the programs, the last started first."""
        for program in reversed(self.programs):
            program.stop()

    def _request_stop(self, *_: object) -> None:
        self._stopping = True


@contextlib.contextmanager
def opened_log(log: Path | None) -> Iterator[IO[bytes] | int | None]:
    """Return the output of a child: None for that of this process, DEVNULL if the disk is full."""
    if log is None:
        yield None
        return
    try:
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        opened = open(log, "ab")  # noqa: SIM115
    except OSError:
        yield subprocess.DEVNULL
        return
    with opened:
        yield opened


def _end_with_parent() -> None:
    """In the child: be terminated when the supervisor is killed (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
