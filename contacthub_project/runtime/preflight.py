"""Checks before anything is started or written.

Only the standard library is imported here: `./run` calls it before anything is installed.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

EXIT_STATUS = 2  # of a program that refuses to start
LARGEST_PORT = 65534  # metrics are at the next one
LOCK = "run.lock"
LOCK_SECONDS = 1.0


class RefusedError(RuntimeError):
    """The product cannot be started; the message is one sentence that says what to change."""


def port_number(text: str) -> int:
    """The `type` of a `--port` option; raises argparse.ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text} is no port between 1 and {LARGEST_PORT} (metrics are at the next one)"
        )
    return int(text)


def check_folder(data: Path) -> None:
    """Raise RefusedError unless `data` is a writable folder, or can be created as one."""
    nearest = data
    try:
        while not nearest.exists():
            nearest = nearest.parent
        is_folder = nearest.is_dir()
    except OSError as failure:
        raise RefusedError(
            f"{data} cannot be the data folder: {failure.strerror}; choose another with --data"
        ) from None
    if not is_folder:
        raise RefusedError(f"{nearest} is a file, not a folder; choose a folder with --data")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise RefusedError(f"{nearest} may not be written to; choose another folder with --data")


def check_ports(host: str, port: int, *, metrics_address: str) -> None:
    """Raise RefusedError unless the ports of the web server and the metrics are free."""
    _check_port(host, port, purpose="")
    _check_port(metrics_address, port + 1, purpose=", where metrics would be,")


def check_not_running(data: Path) -> None:
    """Raise RefusedError if the product runs on this data folder; writes nothing."""
    try:
        lock = open(data / LOCK)  # noqa: SIM115
    except OSError:
        return
    with lock:
        if not _is_locked(lock, fcntl.LOCK_SH):
            raise _running(data, lock)


def lock_folder(data: Path) -> IO[str]:
    """Lock the data folder until the returned file is closed, or this process ends.

    The kernel releases the lock however the process ends, so a file that was left by an ended
    process locks nobody out. Raises RefusedError if another process holds it for more than a
    second: `check_not_running` holds it for a moment.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = open(data / LOCK, "a+")  # noqa: SIM115
    deadline = time.monotonic() + LOCK_SECONDS
    while not _is_locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            with lock:
                raise _running(data, lock)
        time.sleep(0.05)
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _is_locked(lock: IO[str], kind: int) -> bool:
    """Return whether this process has got the lock."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(data: Path, lock: IO[str]) -> RefusedError:
    lock.seek(0)
    process = lock.read(20).strip()
    named = f" (process {process})" if process.isdigit() else ""
    return RefusedError(
        f"Contacthub runs on {data} already{named}; stop it, or choose another folder with --data"
    )


def _check_port(host: str, port: int, *, purpose: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            reason = "is in use"
        else:
            reason = f"at {host} cannot be had: {failure.strerror}"
        raise RefusedError(f"port {port}{purpose} {reason}; choose another with --port") from None
