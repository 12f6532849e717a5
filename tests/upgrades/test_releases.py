"""Hubs of earlier releases: nothing of them is lost, and their programs go on meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contacthub_project.runtime.embedded import PostgresServer
from tests.product import ROOT, Product
from tests.soak.invariants import check
from tests.soak.run import SETTINGS, acting
from tests.upgrades.release import Release, counts, program_of, releases

pytestmark = pytest.mark.timeout(600)

# Followers of the whole stream and receivers would begin again at its start.
CAST = ("writer", "importer", "merger")
EACH = {"customer": 3, "event": 3}  # promises that are waited for in each phase


@pytest.mark.parametrize("release", releases(), ids=lambda release: release.version)
def test_a_released_hub_is_upgraded_and_nothing_is_lost(release: Release, tmp_path: Path) -> None:
    data, logs = tmp_path / "data", tmp_path / "logs"
    release.restore(data, logs)
    server = PostgresServer(data)
    server.attach()
    try:
        assert counts(server) == release.rows
    finally:
        server.detach()
    product = Product(data, **SETTINGS)
    product.start()
    try:
        figures = check(product, logs)
    finally:
        product.stop()
    for each in ("customers", "events", "bulk jobs", "merges", "erased", "segments"):
        assert figures[each] > 0, each


def test_the_release_before_works_while_its_hub_is_upgraded(tmp_path: Path) -> None:
    """Writers go on: with the old program, with it on the new tables, and with the new program."""
    release = releases()[-1]
    command = program_of(release, tmp_path / "program")
    if command is None:
        pytest.skip(f"this clone does not have {release.commit}, the program of {release.version}")
    data, logs = tmp_path / "data", tmp_path / "logs"
    release.restore(data, logs)
    before = Product(data, command=command, **SETTINGS)
    now = Product(data, **SETTINGS)
    now.port = before.port
    before.start()
    try:
        with acting(before.facts, logs, CAST, seed=100, pace=0.1, prefix="upgraded-") as actors:

            def more() -> None:
                known = actors.count_promises()
                actors.wait_for({kind: known[kind] + count for kind, count in EACH.items()})

            more()
            migrate(data)
            more()
            before.stop()
            now.start()
            more()
        figures = check(now, logs)
    finally:
        before.stop()
        now.stop()
    assert figures["events"] > sum(EACH.values())


def migrate(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | {"CONTACTHUB_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
