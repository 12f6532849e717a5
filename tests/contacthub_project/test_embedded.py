"""The bundled servers, with real processes: sharing, spaces in paths, kill -9, stale files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer, socket_folder
from contacthub_project.runtime.embedded.postgres import LOG_FILES_READY
from contacthub_project.runtime.embedded.server import EmbeddedServer

HOLD = """
import sys
from pathlib import Path
from contacthub_project.runtime.embedded import servers
attached = servers(data=Path(sys.argv[1]), postgres=True, valkey=True)
for server in attached:
    server.attach()
print(*[server.pid() for server in attached], flush=True)
sys.stdin.read()
for server in reversed(attached):
    server.detach()
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "with space"
    yield folder
    for server in (PostgresServer(folder), ValkeyServer(folder)):
        if server.is_alive():
            os.kill(server.pid() or 0, signal.SIGKILL)


def rows(server: PostgresServer) -> list[int]:
    with psycopg.connect(server._address("contacthub")) as connection:
        return [row[0] for row in connection.execute("SELECT * FROM t ORDER BY 1")]


def test_data_outlives_a_stop_and_a_kill(data: Path) -> None:
    server = PostgresServer(data)
    server.attach()
    with psycopg.connect(server._address("contacthub"), autocommit=True) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
        connection.execute("INSERT INTO t VALUES (2)")
        os.kill(server.pid() or 0, signal.SIGKILL)
    assert _within(5, lambda: not server.is_alive())
    assert server.revive()
    assert rows(server) == [1, 2]
    server.detach()
    assert not server.is_alive()
    server.attach()
    assert rows(server) == [1, 2]
    server.detach()
    assert not list(socket_folder(data).parent.glob(f"{socket_folder(data).name}/*"))


def test_the_log_needs_no_room_for_its_next_files(data: Path) -> None:
    server = PostgresServer(data)
    server.attach()
    log = server.cluster / "pg_wal"

    def written() -> set[str]:
        return {file.name for file in log.iterdir() if len(file.name) == 24}

    server.preallocate_log()
    ready = written()
    assert len(ready) == LOG_FILES_READY + 1
    with psycopg.connect(server._address("contacthub"), autocommit=True) as connection:
        for _ in range(LOG_FILES_READY):
            connection.execute("SELECT pg_logical_emit_message(true, 'test', 'something')")
            connection.execute("SELECT pg_switch_wal()")
    assert written() == ready
    server.preallocate_log()
    again = written()
    assert len(again) >= LOG_FILES_READY + 1
    server.preallocate_log()
    assert written() == again, "there are enough"
    server.detach()


def test_valkey_needs_no_disk(data: Path) -> None:
    server = ValkeyServer(data)
    server.attach()
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.set("key", "value")
        persistence = client.info("persistence")
        assert client.config_get("save")["save"] == ""
    assert persistence["aof_enabled"] == 0
    assert [path.name for path in server.home.iterdir()] == ["valkey.pid"]
    (server.home / "valkey.pid").write_text("")  # as where there was no room for it
    assert server.is_alive()
    assert not server.revive()
    os.kill(server._process.pid if server._process else 0, signal.SIGKILL)
    assert _within(5, lambda: not server.is_alive())
    assert server.revive()
    server.detach()
    assert not server.is_alive()


def test_processes_share_the_servers_and_the_last_one_stops_them(data: Path) -> None:
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    reported = {holder.stdout.readline() for holder in holders}  # type: ignore[union-attr]
    assert len(reported) == 1, "all use the same two servers, though they started at once"
    servers: list[EmbeddedServer] = [PostgresServer(data), ValkeyServer(data)]
    holders[0].communicate("")
    holders[1].kill()  # its hold on the servers ends with it
    holders[1].communicate()
    assert all(server.is_alive() for server in servers)
    holders[2].communicate("")
    assert not any(server.is_alive() for server in servers)


@pytest.mark.parametrize("stale", ["own", "dead"])
def test_stale_lock_files_do_not_keep_it_from_starting(data: Path, stale: str) -> None:
    server = PostgresServer(data)
    server.attach()
    lock = server.cluster / "postmaster.pid"
    lines = lock.read_text().splitlines()
    server.detach()
    # As after a reboot: the number now belongs to another process, or to none.
    lines[0] = str(os.getpid() if stale == "own" else _unused_pid())
    lock.write_text("\n".join(lines))
    server.attach()
    assert server.is_alive()
    server.detach()


def test_sockets_of_deep_folders_are_short(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    assert len(os.fsencode(socket_folder(deep))) < 90
    assert socket_folder(Path("/srv/hub")) == Path("/srv/hub/run")


def _unused_pid() -> int:
    return next(pid for pid in range(40_000, 60_000) if not psutil.pid_exists(pid))


def _within(seconds: float, condition: object) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False
