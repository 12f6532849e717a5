"""A soak: actors for some seconds, faults in between, then the truth."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.product import ROOT, Product
from tests.small_disk import NoDiskError, small_disk
from tests.soak.actors import act
from tests.soak.clock import Clock
from tests.soak.faults import MIB, World, possible_faults
from tests.soak.invariants import check, promises

CAST = ("writer", "writer", "anonymous", "reader", "follower", "importer")
WHOLE_CAST = (
    *CAST, "pager", "slow_client", "steady", "unsteady",
    "merger", "eraser", "segmenter", "exporter", "replayer",
)  # fmt: skip
SETTINGS = {
    "FREE_BYTES": str(64 * MIB),
    "DISK_RESERVE": str(64 * MIB),
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_INTERNAL_HOSTS": "127.0.0.1",
    "WEBHOOK_TIMEOUT": "3",
}
ENDING = 300.0  # seconds that actors may take for what is waited for, and to end
Faults = Mapping[str, Callable[[World], None]]


def soak(
    folder: Path,
    *,
    seconds: float,
    pause: float,
    faults: Faults,
    cast: tuple[str, ...] = CAST,
    stalls: tuple[float, ...] = (3.0,),
    disk: int = 768 * MIB,
    seed: int = 1,
    pace: float = 0.0,
    required: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The report of a soak in an empty folder, a fault about every `pause` seconds, each at least once.

    What is stopped goes on after one of the `stalls`, in seconds. The product has a disk of so many
    bytes. Actors rest for `pace` seconds between their acts, and go on until they have written down
    as many promises of each kind as are `wanted`. Raises AssertionError for anything that is not as
    it must be.
    """
    with _world(folder, disk=disk, stalls=stalls) as (world, lacking):
        logs = folder / "logs"
        logs.mkdir()
        began = time.monotonic()
        with acting(world.product.facts, logs, cast, seed=seed, pace=pace) as actors:
            actors.wait_for({"customer": 1})  # they start slowly on a busy machine
            done = _faults(
                world, possible_faults(faults, world), seconds=seconds, pause=pause, seed=seed
            )
            actors.wait_for(required or {})
        back = _seconds_until_well(world.product)
        report = {"seconds": round(time.monotonic() - began), "faults": done, "not tried": lacking}
        return report | {"seconds until well": back} | check(world.product, logs)


class Actors:
    """Actors at work, and the logs of what they were promised."""

    def __init__(self, logs: Path, processes: list[BaseProcess]) -> None:
        self.logs = logs
        self.processes = processes

    def wait_for(self, required: Mapping[str, int]) -> None:
        """Wait until there are so many promises of each kind."""
        deadline = time.monotonic() + ENDING
        while True:
            kinds = self.count_promises()
            lacking = {kind: kinds[kind] for kind, least in required.items() if kinds[kind] < least}
            if not lacking:
                return
            ended = [each.name for each in self.processes if each.exitcode is not None]
            assert not ended, f"{ended} ended too early"
            assert time.monotonic() < deadline, f"only {lacking} of {required}"
            time.sleep(0.5)

    def count_promises(self) -> Counter[str]:
        """How many promises of each kind there are."""
        return Counter(kind for promise in promises(self.logs) for kind in promise)


@contextmanager
def acting(
    facts: dict[str, Any],
    logs: Path,
    cast: Iterable[str],
    *,
    seed: int = 1,
    pace: float = 0.0,
    prefix: str = "",
) -> Iterator[Actors]:
    """Actors of a cast, which end together; `prefix` tells their names from those of others."""
    over = logs.parent / f"{prefix}over"
    context = multiprocessing.get_context("forkserver")  # imports once for all actors
    context.set_forkserver_preload(["tests.soak.actors"])
    processes: list[BaseProcess] = []
    for number, kind in enumerate(cast):
        name = f"{prefix}{kind}{number}"
        given = (kind, name, seed + number, facts, str(logs / f"{name}.jsonl"), str(over), pace)
        processes.append(context.Process(target=act, args=given, name=name, daemon=True))
    for process in processes:
        process.start()
    try:
        yield Actors(logs, processes)
    finally:
        over.touch()
    deadline = time.monotonic() + ENDING
    for process in processes:
        process.join(timeout=max(0.0, deadline - time.monotonic()))
        assert process.exitcode == 0, f"{process.name} ended with {process.exitcode}"


@contextmanager
def _world(
    folder: Path, *, disk: int, stalls: tuple[float, ...]
) -> Iterator[tuple[World, list[str]]]:
    """The running product with a clock and a disk of its own, and why it lacks one of them."""
    lacking = []
    with ExitStack() as stack:
        clock = room = None
        try:
            clock = Clock(folder)
        except RuntimeError as failure:
            lacking.append(str(failure))
        try:
            room = stack.enter_context(small_disk(folder / "disk", size=disk))
        except NoDiskError as failure:
            lacking.append(str(failure))
        settings = SETTINGS | (clock.environment if clock else {})
        product = Product((room or folder) / "data", **settings)
        product.start()
        stack.callback(product.stop)
        yield World(product, clock=clock, disk=room, stalls=stalls), lacking


def _faults(
    world: World, faults: Faults, *, seconds: float, pause: float, seed: int
) -> dict[str, int]:
    chance = random.Random(seed)
    done = dict.fromkeys(faults, 0)
    order = list(faults)
    until = time.monotonic() + seconds
    time.sleep(min(pause, 3))
    while time.monotonic() < until or not all(done.values()):
        fault = order[sum(done.values()) % len(order)]
        faults[fault](world)
        done[fault] += 1
        if sum(done.values()) % len(order) == 0:
            chance.shuffle(order)
            _purge(world.product)
        time.sleep(pause)
    return done


def _purge(product: Product) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "purge_events"], cwd=ROOT, check=False,
        env=os.environ | {"CONTACTHUB_DATA": str(product.data)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _seconds_until_well(product: Product) -> float:
    started = time.monotonic()
    while True:
        try:
            if product.call("GET", f"{product.hub}/health")[1]["status"] == "UP":
                return round(time.monotonic() - started, 1)
        except OSError:
            pass
        assert time.monotonic() - started < 60, "it does not come back"
        time.sleep(0.2)
