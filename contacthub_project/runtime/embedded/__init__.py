"""The bundled PostgreSQL and Valkey, started when no other servers are configured.

A process that needs them calls `attach`; the last one to detach stops them. Data is kept in the
data folder.
"""

from __future__ import annotations

from pathlib import Path

from contacthub_project.runtime.embedded.postgres import SETTINGS, PostgresServer
from contacthub_project.runtime.embedded.server import (
    EmbeddedServer,
    EmbeddedServerError,
    socket_folder,
)
from contacthub_project.runtime.embedded.valkey import ValkeyServer, valkey_socket

__all__ = [
    "EmbeddedServer",
    "EmbeddedServerError",
    "PostgresServer",
    "ValkeyServer",
    "servers",
    "socket_folder",
    "valkey_socket",
]


RESERVED_CONNECTIONS = 3  # superuser_reserved_connections, as PostgreSQL has it


def servers(
    *, data: Path, postgres: bool, valkey: bool, connections: int = 0
) -> list[EmbeddedServer]:
    """Return the servers of the data folder, in the order in which they start.

    PostgreSQL accepts `connections`, or its default if that is more.
    """
    needed: list[EmbeddedServer] = []
    if postgres:
        most = max(connections + RESERVED_CONNECTIONS, int(SETTINGS["max_connections"]))
        needed.append(PostgresServer(data, settings={"max_connections": str(most)}))
    if valkey:
        needed.append(ValkeyServer(data))
    return needed
