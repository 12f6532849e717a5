"""A cache whose old entries are looked up by one thread while others still get them."""

from __future__ import annotations

import threading

import pytest

from contacthub_project.core import refreshed_cache
from contacthub_project.core.refreshed_cache import RefreshedCache


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(refreshed_cache, "time", made)
    return made


def cache(most: int = 10) -> RefreshedCache[str, str]:
    return RefreshedCache(seconds=1.0, most=most)


def test_an_entry_is_fresh_for_its_time_and_version(clock: Clock) -> None:
    known = cache()
    assert known.fresh("a", 1) is None
    assert known.look_up("a", 1, lambda before: f"new after {before}") == "new after None"
    clock.now += 0.9
    assert known.fresh("a", 1) == "new after None"
    assert known.fresh("a", 2) is None
    clock.now += 0.2
    assert known.fresh("a", 1) is None
    assert known.look_up("a", 1, lambda before: f"{before}!") == "new after None!"
    assert known.look_up("a", 1, lambda _: "unused") == "new after None!"
    assert known.look_up("a", 1, lambda _: "forced", is_forced=True) == "forced"


def test_what_is_gone_is_forgotten(clock: Clock) -> None:
    known = cache()
    known.look_up("a", 1, lambda _: "here")
    clock.now += 2
    assert known.look_up("a", 1, lambda _: None) is None
    assert known.look_up("a", 1, lambda before: f"{before}") == "None"


def test_one_looks_an_old_entry_up_and_the_others_get_it_meanwhile(clock: Clock) -> None:
    known = cache()
    known.look_up("a", 1, lambda _: "old")
    clock.now += 2
    begun, may_end = threading.Event(), threading.Event()
    found: list[str | None] = []

    def slowly(before: str | None) -> str:
        begun.set()
        assert may_end.wait(10)
        return "new"

    thread = threading.Thread(target=lambda: found.append(known.look_up("a", 1, slowly)))
    thread.start()
    assert begun.wait(10)
    assert known.fresh("a", 1) == "old"
    assert known.look_up("a", 1, lambda _: "never") == "old"
    may_end.set()
    thread.join()
    assert found == ["new"]
    assert known.fresh("a", 1) == "new"


def test_a_failure_leaves_the_entry_old(clock: Clock) -> None:
    known = cache()
    known.look_up("a", 1, lambda _: "old")
    clock.now += 2

    def fail(before: str | None) -> str:
        raise KeyError

    with pytest.raises(KeyError):
        known.look_up("a", 1, fail)
    assert known.fresh("a", 1) is None
    assert known.look_up("a", 1, lambda _: "new") == "new"


def test_the_number_of_entries_is_bounded(clock: Clock) -> None:
    known = cache(most=2)
    for key in ("a", "b"):
        known.look_up(key, 1, lambda _: "x")
    clock.now += 2
    known.look_up("a", 1, lambda _: "y")
    known.look_up("c", 1, lambda _: "z")
    assert [known.fresh(key, 1) for key in ("a", "b", "c")] == ["y", None, "z"]
