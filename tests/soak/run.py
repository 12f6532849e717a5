"""A soak: actors for some seconds, faults in between, then the truth."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.product import ROOT, Product
from tests.soak.actors import act
from tests.soak.faults import FAULTS
from tests.soak.truth import check

CAST = ("writer", "writer", "anonymous", "reader", "follower", "importer")


def soak(folder: Path, *, seconds: float, pause: float, seed: int = 1) -> dict[str, Any]:
    """The report of a soak in an empty folder, a fault about every `pause` seconds.

    Raises AssertionError for anything that is not as it must be.
    """
    product = Product(folder / "data")
    product.start()
    try:
        logs = folder / "logs"
        logs.mkdir()
        until = time.time() + seconds
        context = multiprocessing.get_context("spawn")
        actors = []
        for number, kind in enumerate(CAST):
            name = f"{kind}{number}"
            given = (kind, name, seed + number, product.facts, str(logs / f"{name}.jsonl"), until)
            actors.append(context.Process(target=act, args=given, name=name))
        for actor in actors:
            actor.start()
        faults = _faults(product, until=until, pause=pause, seed=seed)
        for actor in actors:
            actor.join(timeout=180)
            assert actor.exitcode == 0, f"{actor.name} ended with {actor.exitcode}"
        back = _seconds_until_well(product)
        return {"seconds": seconds, "faults": faults, "seconds until well": back} | check(
            product, logs
        )
    finally:
        product.stop()


def _faults(product: Product, *, until: float, pause: float, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    done = dict.fromkeys(FAULTS, 0)
    order = list(FAULTS)
    time.sleep(min(pause, 3))
    while time.time() < until:
        fault = order[sum(done.values()) % len(order)]
        FAULTS[fault](product)
        done[fault] += 1
        if sum(done.values()) % len(order) == 0:
            chance.shuffle(order)
            _purge(product)
        time.sleep(max(0.0, min(pause, until - time.time())))
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
