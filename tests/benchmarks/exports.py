"""`.venv/bin/python -m tests.benchmarks.exports`: exports of customers against COPY TO.

COPY (SELECT …) TO STDOUT of the same columns, read out of the documents as one would by hand, in
turns with the export as CSV and as JSON lines, over HTTP. CPU is that of the reader, the web
processes and PostgreSQL, in microseconds a customer; memory that of the web processes, before the
export and at most while it is sent. BENCHMARK_CUSTOMERS (100000) and BENCHMARK_ROUNDS change how
much is done.
"""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from tests.benchmarks.__main__ import PORT, running_product
from tests.benchmarks.concurrency import database_processes, web_processes
from tests.benchmarks.searches import address_of, manage

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "100000"))
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "5"))
PIECE = 1 << 20
OWN_COLUMNS = {"id": "id", "externalId": "external_id", "extra": "extra", "enabled": "enabled"}
NODE = sql.SQL("FROM customers_customer WHERE node_id = {node} AND deleted = 0")


@dataclass(frozen=True, slots=True)
class Measured:
    """Customers a second, microseconds of CPU a customer, and bytes of the web processes.

    CPU is that of the reader and the web processes, and of PostgreSQL.
    """

    rate: float
    client: float
    database: float
    least: int
    most: int


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with (
            running_product(data) as facts,
            psycopg.connect(address_of(data), autocommit=True) as connection,
        ):
            manage(data, "seed_customers", "--node", facts["nodeIds"][0], "--count", str(CUSTOMERS))
            connection.execute("VACUUM ANALYZE customers_customer")
            _measure(facts, connection)


def _measure(facts: dict[str, Any], connection: psycopg.Connection[Any]) -> None:
    header = b"".join(_export(facts, "csv")).split(b"\r\n", 1)[0].decode().split(",")
    by_hand = _copy_of(facts["nodeIds"][0], header)
    found: dict[str, Callable[[], Iterator[bytes]]] = {
        f"COPY of the {len(header)} columns": lambda: _copy(connection, by_hand),
        "COPY of the documents": lambda: _copy(connection, _copy_of_documents(facts)),
        "export as CSV": lambda: _export(facts, "csv"),
        "export as JSON lines": lambda: _export(facts, "jsonl"),
    }
    for read in found.values():
        _taken(read)
    rounds = [{name: _taken(read) for name, read in found.items()} for _ in range(ROUNDS)]
    print(
        f"{CUSTOMERS} customers {'':12} {'/s':>8} {'ratio':>6} {'cpu':>8} {'ratio':>6} {'web MB':>9}"
    )
    for name in found:
        rate = statistics.median(each[name].rate for each in rounds)
        client = statistics.median(each[name].client for each in rounds)
        database = statistics.median(each[name].database for each in rounds)
        base = next(iter(found))
        ratio = statistics.median(each[name].rate / each[base].rate for each in rounds)
        cpu = statistics.median(_cpu(each[base]) / _cpu(each[name]) for each in rounds)
        least = min(each[name].least for each in rounds) >> 20
        most = max(each[name].most for each in rounds) >> 20
        memory = f"{least}-{most}" if name.startswith("export") else ""
        print(
            f"{name:28} {rate:8.0f} {ratio:6.2f} {f'{client:.0f}+{database:.0f}':>8} {cpu:6.2f}"
            f" {memory:>9}",
            flush=True,
        )


def _cpu(measured: Measured) -> float:
    return measured.client + measured.database


def _taken(read: Callable[[], Iterator[bytes]]) -> Measured:
    web, database = web_processes(PORT), database_processes()
    before = _seconds(web) + time.process_time(), _seconds(database)
    least = most = _memory(web)
    started = time.perf_counter()
    lines = 0
    for number, piece in enumerate(read()):
        lines += piece.count(b"\n")
        if number % 16 == 0:
            most = max(most, _memory(web))
    rate = lines / (time.perf_counter() - started)
    assert lines >= CUSTOMERS, lines
    after = _seconds(web) + time.process_time(), _seconds(database)
    client, own = ((end - begin) / lines * 1e6 for begin, end in zip(before, after, strict=True))
    return Measured(rate, client, own, least, most)


def _memory(processes: list[psutil.Process]) -> int:
    return sum(each.memory_info().rss for each in processes if each.is_running())


def _seconds(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds of processes, and of their children that have ended."""
    times = [each.cpu_times() for each in processes if each.is_running()]
    own = sum(each.user + each.system for each in times)
    return float(own + sum(each.children_user + each.children_system for each in times))


def _copy_of(node: str, columns: list[str]) -> sql.Composed:
    """Return COPY of columns by their dotted paths."""
    cells = [
        sql.Identifier(OWN_COLUMNS[path])
        if path in OWN_COLUMNS
        else sql.SQL("{} #>> {}").format(
            sql.Identifier(path.split(".")[0]), sql.Literal(path.split(".")[1:])
        )
        for path in columns
    ]
    rows = sql.SQL("SELECT {} ").format(sql.SQL(", ").join(cells)) + NODE.format(node=node)
    return sql.SQL("COPY ({} ORDER BY id) TO STDOUT (FORMAT csv)").format(rows)


def _copy_of_documents(facts: dict[str, Any]) -> sql.Composed:
    """Return COPY of the stored documents as they are."""
    names = ["id", "external_id", "extra", "enabled", "base", "extended", "consents", "tags"]
    rows = sql.SQL("SELECT {} ").format(sql.SQL(", ").join(map(sql.Identifier, names)))
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(
        rows + NODE.format(node=facts["nodeIds"][0])
    )


def _copy(connection: psycopg.Connection[Any], statement: sql.Composed) -> Iterator[bytes]:
    with connection.cursor().copy(statement) as copy:
        yield from map(bytes, copy)


def _export(facts: dict[str, Any], file_format: str) -> Iterator[bytes]:
    path = f"/hub/v1/workspaces/{facts['workspaceId']}/nodes/{facts['nodeIds'][0]}/export"
    client = http.client.HTTPConnection("127.0.0.1", PORT)
    headers = {"Authorization": f"Bearer {facts['tokens']['trusted']}"}
    client.request("GET", f"{path}?format={file_format}", headers=headers)
    answer = client.getresponse()
    assert answer.status == 200, answer.read()
    while piece := answer.read(PIECE):
        yield piece
    client.close()


if __name__ == "__main__":
    main()
