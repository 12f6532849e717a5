from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.run import soak


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_doubled_while_everything_is_killed_once(tmp_path: Path) -> None:
    report = soak(tmp_path, seconds=30, pause=3)
    assert all(report["faults"].values()), report["faults"]
    assert report["customers"] > 20
    assert report["events"] > 20
    assert report["bulk jobs"] > 0
    assert report["counters that differ"] == 0
