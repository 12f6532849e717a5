"""Days are those of the workspace's zone, whatever its offset and wherever its clocks jump."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from analytics.domain.periods import DAY, Period
from configuration.domain.vocabulary import CURRENCIES, TIMEZONES
from tests.factories import Hub

# Half hours and quarters; clocks that jump at midnight, back over it, or skip a day.
EXOTIC = {
    "Asia/Kolkata": date(2024, 3, 1), "Asia/Kathmandu": date(2024, 3, 1),
    "Pacific/Chatham": date(2024, 4, 7), "Australia/Lord_Howe": date(2024, 4, 7),
    "America/Sao_Paulo": date(2018, 2, 17), "America/Santiago": date(2024, 9, 8),
    "America/Havana": date(2024, 11, 3), "Asia/Beirut": date(2024, 3, 31),
    "Pacific/Apia": date(2011, 12, 30), "Pacific/Kiritimati": date(2024, 1, 1),
}  # fmt: skip


@pytest.mark.parametrize(("name", "day"), EXOTIC.items())
def test_the_database_and_periods_agree_on_days(db: None, name: str, day: date) -> None:
    zone = ZoneInfo(name)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    moments = [begin + timedelta(minutes=15 * number) for number in range(4 * 24 * 4)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (moment AT TIME ZONE %s)::date FROM unnest(%s::timestamptz[]) AS moment",
            [name, moments],
        )
        counted = [row[0] for row in cursor.fetchall()]
    for moment, found in zip(moments, counted, strict=True):
        assert found == moment.astimezone(zone).date()
        period = Period(found, found, zone)
        assert period.start <= moment <= period.end
    assert max(Counter(counted).values()) <= 25 * 4


def test_any_zone_and_currency(hub: Hub) -> None:
    for name in EXOTIC:
        assert hub.admin.put(hub.configuration, {"timezone": name})["timezone"] == name
    for code in ("CHF", "GBP", "INR", "BHD"):
        assert hub.admin.put(hub.configuration, {"currency": code})["currency"] == code
    for wrong in ({"timezone": "Factory"}, {"timezone": "europe/rome"}, {"currency": "eur"}, {"currency": "ZZZ"}):  # fmt: skip
        assert hub.admin.put(hub.configuration, wrong).status == 400
    assert hub.admin.put(hub.configuration, {"timezone": None})["timezone"] == "Europe/Rome"


def test_the_reference_comes_first_and_the_database_knows_nearly_all(db: None) -> None:
    assert TIMEZONES[:3] == ["Europe/Rome", "Europe/Paris", "Europe/London"]
    assert CURRENCIES[:3] == ["EUR", "USD", "JPY"]
    assert len(set(TIMEZONES)) == len(TIMEZONES) > 400
    assert len(set(CURRENCIES)) == len(CURRENCIES) > 150
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        known = {name for (name,) in cursor.fetchall()}
    assert set(TIMEZONES) & known >= set(EXOTIC)
    assert len(set(TIMEZONES) - known) < 10
