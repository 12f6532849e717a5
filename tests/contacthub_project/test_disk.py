"""Too little room on the disk: what is refused, what goes on, and the reserve."""

from __future__ import annotations

import itertools
import re
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st
from psycopg.errors import DiskFull

from bulkjobs import tasks
from bulkjobs.models import BulkJob
from contacthub_project.api.exception_handler import answer
from contacthub_project.api.operations import Operation, contract
from contacthub_project.celery import app
from contacthub_project.core.errors import NoRoom
from contacthub_project.runtime import disk_reserve
from contacthub_project.runtime.disk_reserve import FIRST_PORTION, PIECE, DiskReserve
from tests.bulkjobs.test_jobs import jobs_path, upload
from tests.bulkjobs.test_storage import FILE
from tests.factories import Hub

MIB = 1 << 20
WRITES = [
    operation
    for methods in contract().values()
    for operation in methods.values()
    if operation.method != "GET"
]


@pytest.fixture
def fill_disk(settings: Any, tmp_path: Path) -> Callable[[], None]:
    """From its call on it is as if the disk had less than FREE_BYTES left."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: setattr(settings, "FREE_BYTES", 10**18)


def test_every_write_is_refused_for_now(
    live_hub: Hub, fill_disk: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    fill_disk()
    for operation in WRITES:
        refused = _tried(live_hub, operation)
        if operation.id in ("delete_bulk_job", "delete_export"):  # they make room
            assert refused.status == 404
            continue
        assert refused.status == 503, operation.id
        assert refused.headers["Retry-After"] == str(NoRoom.retry_after)
        assert set(refused.json) == {"message", "logref", "data", "errors"}
    assert "NoRoom" not in caplog.text, "lines of logs would take the room that is left"


def _tried(hub: Hub, operation: Operation) -> Any:
    role = next(role for role in sorted(operation.roles) if role in hub.clients)
    path = operation.path.replace("{workspaceId}", str(hub.workspace.id))
    path = path.replace("{nodeId}", str(hub.node.id))
    path = re.sub(r"{\w+}", str(uuid.uuid4()), path)
    return hub.clients[role].request(operation.method, path, {})


def test_callers_that_may_not_write_get_403_first(hub: Hub, fill_disk: Callable[[], None]) -> None:
    fill_disk()
    assert hub.post_customer(hub.clients["GUEST"]).status == 403


def test_reads_go_on(hub: Hub, fill_disk: Callable[[], None]) -> None:
    customer = hub.post_customer()
    fill_disk()
    assert hub.trusted.get(f"{hub.path}/customers/{customer['id']}").status == 200
    for path, query in (
        ("customers", {"nodeId": str(hub.node.id)}), ("stats", {}), ("updates", {"offset": "0"})
    ):  # fmt: skip
        assert hub.operator.get(f"{hub.path}/{path}", query=query).status == 200


def test_a_database_elsewhere_knows_its_own_disk(
    hub: Hub, settings: Any, fill_disk: Callable[[], None]
) -> None:
    settings.USES_EMBEDDED_POSTGRES = False
    fill_disk()
    assert hub.post_customer().status == 201
    assert upload(hub, FILE).status == 503, "files are on this machine's disk"


def test_a_full_disk_of_the_database_is_told() -> None:
    failure = OperationalError("could not extend file")
    failure.__cause__ = DiskFull("could not extend file")
    reported = answer(failure)
    assert (reported.status_code, reported.headers["Retry-After"]) == (503, str(NoRoom.retry_after))
    assert b"room" in reported.content


def test_the_health_says_so(hub: Hub, fill_disk: Callable[[], None]) -> None:
    assert hub.trusted.get("/health")["disk"] == {"status": "UP"}
    fill_disk()
    health = hub.trusted.get("/health")
    assert health.status == 200
    assert (health["status"], health["disk"]) == ("DEGRADED", {"status": "DEGRADED"})
    assert health["database"] == {"status": "UP"}


def test_jobs_wait_and_go_on_where_they_were(
    live_hub: Hub, settings: Any, fill_disk: Callable[[], None]
) -> None:
    job = upload(live_hub, FILE)
    before = settings.FREE_BYTES
    fill_disk()
    tasks.work.apply()
    assert live_hub.trusted.get(f"{jobs_path(live_hub)}/{job['id']}")["status"] == "LOADED"
    assert BulkJob.objects.get().attempts == 0
    settings.FREE_BYTES = before
    tasks.work.apply()
    assert live_hub.trusted.get(f"{jobs_path(live_hub)}/{job['id']}")["status"] == "PROCESSED"


def test_only_tasks_that_make_room_are_begun(fill_disk: Callable[[], None]) -> None:
    done: list[str] = []

    @app.task(name="grows")  # type: ignore[untyped-decorator]
    def grows() -> None:
        done.append("grows")

    @app.task(name="shrinks", needs_room=False)  # type: ignore[untyped-decorator]
    def shrinks() -> None:
        done.append("shrinks")

    fill_disk()
    assert grows.apply().state == "IGNORED"
    assert shrinks.apply().state == "SUCCESS"
    assert done == ["shrinks"]
    assert {name for name, task in app.tasks.items() if not task.needs_room and "." in name} == {
        "bulkjobs.tasks.remove_old",
        "bulkjobs.tasks.remove_stray_files",
    }


class Disk:
    """A disk as the reserve sees it; `used` by others."""

    def __init__(self, folder: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.size, self.used = size, 0
        self.reports: list[str] = []
        self.checkpoints = threading.Semaphore(0)
        self.now = 1000.0
        self.reserve = DiskReserve(
            folder, size=128 * MIB, keep_free=256 * MIB,
            checkpoint=self.checkpoints.release, report=self.reports.append,
        )  # fmt: skip
        monkeypatch.setattr(disk_reserve, "free_bytes", lambda _: self.free())
        monkeypatch.setattr(disk_reserve.time, "monotonic", lambda: self.now)

    def free(self) -> int:
        return self.size - self.used - self.reserve.held()

    def look(self, *, after: float = 0.02) -> None:
        self.now += after
        self.reserve.look()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    small = Disk(tmp_path, 1000 * MIB, monkeypatch)
    small.look()
    small.look(after=10)
    assert small.reserve.held() == 128 * MIB
    assert small.reserve.data.joinpath("disk-reserve").stat().st_blocks * 512 >= 128 * MIB
    return small


def test_the_reserve_is_given_back_by_pieces_when_the_disk_is_full(small: Disk) -> None:
    small.used = 872 * MIB
    small.look()
    assert small.reserve.held() == 128 * MIB, "whoever fills it may still be at it"
    small.look()
    assert small.free() == FIRST_PORTION, "it may only have paused"
    for _ in range(3):
        small.look()
    assert (small.reserve.held(), small.free()) == (96 * MIB, PIECE)
    for used in (16, 32, 48, 64, 80, 96, 112, 128):
        small.used = (872 + used) * MIB
        small.look()
        small.look()
        assert small.free() >= min(PIECE, (128 - used) * MIB)
    assert small.reserve.held() == 0
    small.look()
    assert small.reserve.held() == 0


@given(
    pauses=st.lists(st.floats(0.0, 0.1), min_size=1, max_size=40),
    speed=st.integers(5, 2000),  # MiB a second
)
def test_who_fills_the_disk_now_and_again_gets_little_of_the_reserve(
    pauses: list[float], speed: int
) -> None:
    """Two seconds of it, as of a process that has to share its processor."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        small = Disk(Path(folder), 1000 * MIB, monkeypatch)
        small.look()
        small.look(after=10)
        small.used = 860 * MIB
        began, pause = small.now, 0.0
        waits = itertools.cycle(pauses)
        while small.now - began < 2.0:
            if pause > 0:
                pause -= 0.02
            else:
                small.used += min(speed * MIB // 50, small.free())
                pause = 0.0 if small.free() else next(waits)
            small.look()
        assert small.reserve.held() >= 64 * MIB
        for _ in range(125):
            small.look()
        assert small.free() >= PIECE


def test_it_grows_again_when_there_has_been_room_for_a_while(small: Disk) -> None:
    small.used = 900 * MIB
    for _ in range(9):
        small.look()
    held = small.reserve.held()
    assert held < 128 * MIB
    small.used = 100 * MIB
    small.look()
    assert small.reserve.held() == held, "the room has just come"
    small.used = 672 * MIB
    small.look(after=60)
    assert small.reserve.held() == held, "there is less than is to be left free besides"
    small.used = 100 * MIB
    small.look()
    assert small.reserve.held() == 128 * MIB


def test_little_room_is_reported_once_and_the_log_is_recycled(small: Disk) -> None:
    assert small.reports == []
    small.used = 700 * MIB
    small.look()
    assert small.checkpoints.acquire(timeout=5)
    small.look()
    assert not small.checkpoints.acquire(timeout=0.05)
    small.look(after=31)
    assert small.checkpoints.acquire(timeout=5)
    small.used = 0
    small.look()
    assert small.reports == [
        "Little room on the disk, 172 MiB: writes are refused",
        "There is room on the disk again",
    ]


def test_a_smaller_setting_makes_a_smaller_reserve(small: Disk) -> None:
    small.reserve.size = 10 * MIB
    small.look(after=60)
    assert small.reserve.held() == 10 * MIB


def test_the_settings_go_together() -> None:
    assert django_settings.DISK_RESERVE >= 2 * PIECE
    assert django_settings.FREE_BYTES > PIECE
