from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.retention import (
    cutoffs,
    default_months,
    effective_months,
    months_before,
)


def test_defaults() -> None:
    months = default_months()
    assert len(months) == 48
    assert {months["viewedPage"], months["campaignSent"], months["completedOrder"]} == {3, 13, 12}
    assert sorted(months.values()).count(3) == 7
    assert sorted(months.values()).count(13) == 9


def test_a_node_overrides_its_workspace() -> None:
    months = effective_months({"viewedPage": 6, "loggedIn": 6}, {"viewedPage": 1})
    assert (months["viewedPage"], months["loggedIn"], months["loggedOut"]) == (1, 6, 12)


def test_zero_keeps_for_ever() -> None:
    assert cutoffs({"loggedIn": 0, "loggedOut": 1}, datetime(2026, 3, 31, tzinfo=UTC)) == {
        "loggedOut": datetime(2026, 2, 28, tzinfo=UTC)
    }


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.integers(0, 1200))
def test_months_are_calendar_months(moment: datetime, months: int) -> None:
    earlier = months_before(moment, months)
    assert (moment.year * 12 + moment.month) - (earlier.year * 12 + earlier.month) == months
    assert earlier.day == moment.day or (moment.day > 28 and earlier.day >= 28)
    assert earlier.time() == moment.time()
