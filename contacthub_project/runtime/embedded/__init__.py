"""The bundled PostgreSQL and Valkey: started when no real servers are configured.

A process that needs them calls `attach`; the last one to leave stops them. Data lives in the data
folder and outlives every process.
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
    """The servers to run out of the data folder, in the order in which they start.

    PostgreSQL takes so many `connections`, or as many as it takes by itself if these are more.
    """
    wanted: list[EmbeddedServer] = []
    if postgres:
        most = max(connections + RESERVED_CONNECTIONS, int(SETTINGS["max_connections"]))
        wanted.append(PostgresServer(data, settings={"max_connections": str(most)}))
    if valkey:
        wanted.append(ValkeyServer(data))
    return wanted
