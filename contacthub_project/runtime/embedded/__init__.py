"""The bundled PostgreSQL and Valkey: started when no real servers are configured.

A process that needs them calls `attach`; the last one to leave stops them. Data lives in the data
folder and outlives every process.
"""

from __future__ import annotations

from pathlib import Path

from contacthub_project.runtime.embedded.postgres import PostgresServer
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


def servers(*, data: Path, postgres: bool, valkey: bool) -> list[EmbeddedServer]:
    """The servers to run out of the data folder, in the order in which they start."""
    wanted: list[EmbeddedServer] = []
    if postgres:
        wanted.append(PostgresServer(data))
    if valkey:
        wanted.append(ValkeyServer(data))
    return wanted
