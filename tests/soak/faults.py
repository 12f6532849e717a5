"""What goes wrong meanwhile."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer
from tests.product import Product
from tests.soak.clock import Clock

MIB = 1 << 20
HOUR = 3600.0


@dataclass
class World:
    """The product and what is around it; without a clock or a disk of its own some faults cannot be.

    What is stopped is stopped for `stalls` seconds, of which one is drawn each time.
    """

    product: Product
    clock: Clock | None = None
    disk: Path | None = None
    stalls: tuple[float, ...] = (3.0,)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def wait_a_moment(self) -> None:
        time.sleep(self.chance.choice(self.stalls))


def kill_web(world: World) -> None:
    _kill(_youngest(_web(world)))


def kill_worker(world: World) -> None:
    _kill(_youngest(_celery(world, "worker")))


def kill_valkey(world: World) -> None:
    _kill(_server(ValkeyServer(world.product.data)))


def kill_postgres(world: World) -> None:
    _kill(_server(PostgresServer(world.product.data)))


def stop_web(world: World) -> None:
    """One of the web processes works on nothing, and keeps its connections open."""
    _stop(_youngest(_web(world)), world)


def stop_workers(world: World) -> None:
    """All of Celery's worker processes, in the middle of their claims."""
    _stop(_celery(world, "worker"), world)


def stop_beat(world: World) -> None:
    _stop(_celery(world, "beat"), world)


def stop_valkey(world: World) -> None:
    _stop(_server(ValkeyServer(world.product.data)), world)


def stop_postgres(world: World) -> None:
    """The server and all of its sessions: connections are open and nothing is answered."""
    servers = _server(PostgresServer(world.product.data))
    _stop([*servers, *(each for one in servers for each in _children(one))], world)


def exhaust_connections(world: World) -> None:
    """Take every connection the server still has, for a while."""
    taken = []
    with contextlib.suppress(psycopg.OperationalError):
        for _ in range(500):
            address = PostgresServer(world.product.data)._address("contacthub")
            taken.append(psycopg.connect(address))
    time.sleep(1)
    for connection in taken:
        with contextlib.suppress(psycopg.OperationalError):
            connection.close()


def refuse_uploads(world: World) -> None:
    """The storage of uploads takes nothing, as a full disk would not."""
    place = world.product.data / "uploads" / "bulk-jobs"
    aside = place.with_name("aside")
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        place.rename(aside)
    place.touch()
    time.sleep(1)
    place.unlink()
    with contextlib.suppress(FileNotFoundError):
        aside.rename(place)


def fill_disk(world: World) -> None:
    """Somebody else takes all there is, again and again, and goes."""
    assert world.disk is not None
    filler = world.disk / "filler"
    until = time.monotonic() + world.chance.choice(world.stalls)
    while time.monotonic() < until:
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while file.write(bytes(MIB)) == MIB:
                pass
        time.sleep(0.05)
    filler.unlink()


def put_clock_ahead(world: World) -> None:
    """By hours and for good, of all processes."""
    _put_clock(world, database=5 * HOUR, programs=5 * HOUR)


def put_clock_back(world: World) -> None:
    _put_clock(world, database=-3 * HOUR, programs=-3 * HOUR)


def part_clocks(world: World) -> None:
    """The database is minutes ahead of the programs, or behind, as on a machine of its own."""
    _put_clock(world, database=world.chance.choice((-600.0, 600.0)), programs=0.0)


KILLS: dict[str, Callable[[World], None]] = {
    "web process killed": kill_web,
    "worker killed": kill_worker,
    "PostgreSQL killed": kill_postgres,
    "Valkey killed": kill_valkey,
    "connections exhausted": exhaust_connections,
    "uploads cannot be stored": refuse_uploads,
}
STALLS: dict[str, Callable[[World], None]] = {
    "PostgreSQL stopped": stop_postgres,
    "clock put ahead": put_clock_ahead,
    "web process stopped": stop_web,
    "disk full": fill_disk,
    "workers stopped": stop_workers,
    "clock put back": put_clock_back,
    "Valkey stopped": stop_valkey,
    "beat stopped": stop_beat,
    "clock of the database is another": part_clocks,
}
CLOCKS = {put_clock_ahead, put_clock_back, part_clocks}


def possible_faults(
    faults: dict[str, Callable[[World], None]], world: World
) -> dict[str, Callable[[World], None]]:
    """Those of the faults that this world can have."""
    lacking = set(CLOCKS) if world.clock is None else set()
    if world.disk is None:
        lacking.add(fill_disk)
    return {name: fault for name, fault in faults.items() if fault not in lacking}


def _put_clock(world: World, *, database: float, programs: float) -> None:
    assert world.clock is not None
    world.clock.put(database=database, programs=programs)


def _web(world: World) -> list[psutil.Process]:
    return _found(world, lambda words: "granian" in words)


def _celery(world: World, kind: str) -> list[psutil.Process]:
    return _found(world, lambda words: "celery" in words and kind in words)


def _found(world: World, is_meant: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """The product's processes whose command line has certain words."""
    assert world.product.process is not None
    found = []
    for child in _children(psutil.Process(world.product.process.pid)):
        with contextlib.suppress(psutil.NoSuchProcess):
            if is_meant(child.cmdline()):
                found.append(child)
    return found


def _server(server: PostgresServer | ValkeyServer) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(server.pid() or 0)]
    return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        found: list[psutil.Process] = process.children(recursive=True)
        return found
    return []


def _youngest(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Not the one that watches over the others."""
    return sorted(processes, key=lambda each: -each.create_time())[:1]


def _kill(processes: Iterable[psutil.Process]) -> None:
    _signal(processes, signal.SIGKILL)


def _stop(processes: list[psutil.Process], world: World) -> None:
    """Stop processes, and let those that are still there go on again."""
    _signal(processes, signal.SIGSTOP)
    try:
        world.wait_a_moment()
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if process.is_running():  # its id may be another's by now
                os.kill(process.pid, number)
