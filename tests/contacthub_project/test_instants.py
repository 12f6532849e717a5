from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.core.timestamps import format_timestamp, parse_timestamp, timestamp_of

EXPECTED = "2019-08-24T14:15:22.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "2019-08-24T14:15:22Z", "2019-08-24T14:15:22.000Z", "2019-08-24T16:15:22+02:00",
        "2019-08-24T15:15:22.000+0100", "2019-08-24T14:15:22+0000", "2019-08-24T14:15:22",
        "2019-08-24T09:45:22-04:30", "2019-08-24t14:15:22.000999z", "2019-08-24 14:15:22Z",
    ],
)  # fmt: skip
def test_every_form_clients_send(text: str) -> None:
    moment = parse_timestamp(text)
    assert moment is not None
    assert format_timestamp(moment) == EXPECTED


def test_a_bare_date_is_midnight() -> None:
    assert parse_timestamp("2019-08-24") == datetime(2019, 8, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2019-02-30", "2019-08-24T25:00:00Z", "0000-01-01", "2019-08-24T14:15:61Z",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "２019-08-24", "1566656122000",
     "2019-08-24T14:15:22+14:01", "2019-08-24T14:15:22-15:00", "2019-08-24T14:15:22+99:99",
     "2019-08-24T14:15:22+01:60", "2019-08-24T14:15:22-0199"],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    "value", [1566656122000, "1566656122000", 1566656122000.0, "2019-08-24T14:15:22Z"]
)
def test_milliseconds_since_1970(value: object) -> None:
    moment = timestamp_of(value)
    assert moment is not None
    assert format_timestamp(moment) == EXPECTED


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        [],
        {},
        1.5,
        float("inf"),
        float("nan"),
        2**63,
        "1" * 19,
        "1234",
        "15e11",
        "١" * 6,
    ],
)
def test_what_is_no_moment_in_any_type(value: object) -> None:
    assert timestamp_of(value) is None


def test_moments_before_1970() -> None:
    assert timestamp_of(-86_400_000) == timestamp_of("1969-12-31")
    assert timestamp_of(0) == datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_round_trip_in_milliseconds(moment: datetime, zone: timezone) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=zone)
    assert parse_timestamp(moment.isoformat()) == moment
    text = format_timestamp(moment)
    assert len(text) == 24
    assert parse_timestamp(text) == moment
