from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain.indicators import (
    ECOMMERCE,
    WEB,
    figure,
    money,
    plain_decimal,
    purchases,
    ratio,
    sources_of,
)

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def test_an_average_is_of_the_whole_period() -> None:
    average = next(each for each in purchases(["RETAIL"]) if each.name == "averageOrderValue")
    counts = {
        ("spending", "RETAIL"): {MONDAY: Decimal(10), TUESDAY: Decimal(1)},
        ("orders", "RETAIL"): {MONDAY: Decimal(1), TUESDAY: Decimal(2)},
    }
    found = figure(average, counts, [MONDAY, TUESDAY], currency="EUR")
    assert found.total == Decimal("3.67")
    assert found.by_day == {MONDAY: Decimal("10.00"), TUESDAY: Decimal("0.50")}


def test_both_shops_have_buyers_of_their_own() -> None:
    assert ("buyers", "ALL") in sources_of(purchases(["ECOMMERCE", "RETAIL"]))
    assert ("buyers", "RETAIL") in sources_of(purchases(["RETAIL"]))


def test_heads_of_several_days_do_not_add_up() -> None:
    visitors = next(each for each in WEB if each.name == "visitors")
    counts = {("visitors", ""): {MONDAY: Decimal(3)}}
    found = figure(visitors, counts, [MONDAY, TUESDAY], currency="EUR")
    assert found.total is None
    assert found.by_day == {MONDAY: Decimal(3), TUESDAY: Decimal(0)}


def test_a_conversion_of_nothing_is_nothing() -> None:
    conversion = next(each for each in ECOMMERCE if each.name == "conversion")
    assert figure(conversion, {}, [MONDAY], currency="EUR").total == 0


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("19.9", "EUR", "19.90"), ("0", "USD", "0.00"), ("1E+21", "EUR", "1" + "0" * 21 + ".00"),
        ("0.000001", "EUR", "0.000001"), ("-3.350", "EUR", "-3.35"), ("120", "JPY", "120"),
        ("-0", "EUR", "0.00"), ("-0.00", "JPY", "0"),
    ],
)  # fmt: skip
def test_money(amount: str, currency: str, text: str) -> None:
    assert money(Decimal(amount), currency) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_nothing_is_lost_in_writing(value: Decimal) -> None:
    assert Decimal(plain_decimal(value)) == value
    assert Decimal(money(value, "EUR")) == value
    assert "E" not in plain_decimal(value)


def test_ratio_of_huge_numbers() -> None:
    assert ratio(Decimal("1e40"), Decimal(3), 2) > 0
