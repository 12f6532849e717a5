"""Metrics of several processes: sums, processes that end or stand still, no files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contacthub_project.runtime import metrics_gathering
from tests.product import ROOT, free_port

# Counts as often as it is told, and says when it has.
COUNT = """
import sys
from contacthub_project.runtime import metrics
for line in sys.stdin:
    metrics.observe("/somewhere", "GET", int(line), 0.02)
    metrics.count_dropped_events({"CONSENT_MISSING": 3})
    print("done", flush=True)
"""
REQUESTS = "contacthub_request_seconds_count"
DROPPED = "contacthub_dropped_events_total"


class Metrics:
    """What is served, and processes that count."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.processes: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def sums(self) -> dict[tuple[str, str], float]:
        """Values by sample and the label that tells series apart in these tests."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (sample.name, sample.labels.get("status") or sample.labels["reason"]): sample.value
                for family in families
                for sample in family.samples
                if "le" not in sample.labels
            }


@pytest.fixture
def metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metrics]:
    monkeypatch.setenv(metrics_gathering.ADDRESS, "")
    port = free_port()
    with metrics_gathering.served("127.0.0.1", port, folder=tmp_path / "run"):
        served = Metrics(port)
        yield served
        for process in served.processes:
            with process:
                process.kill()


def count(process: subprocess.Popen[str], status: int) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{status}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_they_are_summed_over_processes_that_there_are_and_were(metrics: Metrics) -> None:
    assert metrics.sums() == {}
    first, second = metrics.start(), metrics.start()
    for process in (first, second, second):
        count(process, 200)
    count(second, 503)
    expected = {(REQUESTS, "200"): 3.0, (REQUESTS, "503"): 1.0, (DROPPED, "CONSENT_MISSING"): 12.0}
    assert within(5, lambda: expected.items() <= metrics.sums().items())
    second.kill()
    second.wait()
    assert within(
        5, lambda: len(metrics.sums()) == 5 and expected.items() <= metrics.sums().items()
    )
    third = metrics.start()
    count(third, 200)
    assert within(5, lambda: metrics.sums()[REQUESTS, "200"] == 4.0)
    count(third, 200)
    assert metrics.sums()[REQUESTS, "200"] == 5.0, "asked for anew each time"


def test_a_process_that_stands_still_counts_with_its_last_report(metrics: Metrics) -> None:
    still, other = metrics.start(), metrics.start()
    count(still, 200)
    count(other, 200)
    assert within(5, lambda: metrics.sums().get((REQUESTS, "200")) == 2.0)
    os.kill(still.pid, signal.SIGSTOP)
    count(other, 200)
    for _ in range(3):
        started = time.monotonic()
        assert metrics.sums()[REQUESTS, "200"] == 3.0
        assert time.monotonic() - started < 5
    os.kill(still.pid, signal.SIGCONT)
    count(still, 200)
    assert within(5, lambda: metrics.sums()[REQUESTS, "200"] == 4.0)


def test_nothing_is_written(metrics: Metrics, tmp_path: Path) -> None:
    process = metrics.start()
    count(process, 200)
    assert within(5, lambda: bool(metrics.sums()))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["metrics.sock"]
    mapped = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
    shared = [line for line in mapped if line.split()[1] == "rw-s" and "/" in line]
    assert shared == [], "a file that is mapped for writing can end the process"


def test_a_forked_process_counts_for_itself(metrics: Metrics) -> None:
    program = COUNT.replace(
        "for line",
        "import os\nmetrics.observe('/a', 'GET', 201, 0.1)\n"
        "if os.fork() == 0:\n    metrics.observe('/a', 'GET', 202, 0.1)\nfor line",
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    )  # fmt: skip
    metrics.processes.append(parent)
    needed = {(REQUESTS, "201"): 1.0, (REQUESTS, "202"): 1.0}
    assert within(10, lambda: needed.items() <= metrics.sums().items()), metrics.sums()
    assert parent.stdin is not None
    parent.stdin.close()
    parent.wait(10)
