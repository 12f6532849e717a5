from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.faults import KILLS, STALLS
from tests.soak.run import WHOLE_CAST, soak

# Kinds of promises, and how many of each are compared with the tables at least.
WANTED = {
    "customer": 21,
    "event": 21,
    "prefix": 1,  # a bulk job
    "merge": 1,
    "undone": 1,
    "erased": 1,
    "segment": 1,
    "walk": 1,
}


@pytest.mark.timeout(500)
def test_nothing_is_lost_or_doubled_while_everything_fails_once(tmp_path: Path) -> None:
    report = soak(
        tmp_path,
        seconds=0,
        pause=0.5,
        faults=KILLS | STALLS,
        cast=WHOLE_CAST,
        stalls=(1.0,),
        pace=0.2,
        required=WANTED,
    )
    assert all(report["faults"].values()), report["faults"]
    assert report["customers"] > 20
    assert report["events"] > 20
    assert report["counters that differ"] == 0
    for each in (
        "bulk jobs", "merges", "undone", "erased", "segments", "walks",
        "steady8: changes told", "unsteady9: changes told", "unsteady9: messages refused",
    ):  # fmt: skip
        assert report[each] > 0, each
    if report["not tried"]:
        pytest.skip("the rest is well: " + "; ".join(report["not tried"]))
