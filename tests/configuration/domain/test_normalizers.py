"""Forms in which values that identify a person are compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.normalizers import Normalizer, normalized


def form(
    value: Any, normalizer: Normalizer, country: str | None = "IT", gmail: bool = False
) -> Any:
    return normalized(value, normalizer, country=country, gmail=gmail)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("333 123 4567", "IT", "+393331234567"),
        ("+39 333-1234567", None, "+393331234567"),
        ("0039 333 1234567", "IT", "+393331234567"),
        ("02 1234 5678", "IT", "+390212345678"),  # Italy keeps the leading zero
        ("020 7946 0018", "GB", "+442079460018"),
        ("(0)20 7946 0018", "GB", "+442079460018"),
        ("333 123 4567", None, None),
        ("12", "IT", None),
        ("call me", "IT", None),
        ("1" * 400, "IT", None),
        ("", "IT", None),
    ],
)
def test_phones_are_compared_in_e164(text: str, country: str | None, expected: str | None) -> None:
    assert form(text, Normalizer.PHONE, country) == expected


@pytest.mark.parametrize(
    ("text", "gmail", "expected"),
    [
        (" Ada@Example.COM ", False, "ada@example.com"),
        ("ada@bücher.example", False, "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", False, "ada@xn--bcher-kva.example"),
        ("a.da+shop@gmail.com", False, "a.da+shop@gmail.com"),
        ("A.da+shop@googlemail.com", True, "ada@gmail.com"),
        ("a.da+shop@example.com", True, "a.da+shop@example.com"),
        ("+tag@gmail.com", True, None),
        ("nobody", False, None),
        ("@example.com", False, None),
    ],
)
def test_addresses_are_compared_by_mailbox(text: str, gmail: bool, expected: str | None) -> None:
    assert form(text, Normalizer.EMAIL, gmail=gmail) == expected


@pytest.mark.parametrize("value", [7, 7.5, True, None])
def test_only_text_is_an_address_or_a_number(value: Any) -> None:
    assert form(value, Normalizer.PHONE) is None
    assert form(value, Normalizer.EMAIL) is None


@given(st.text(), st.sampled_from([None, "IT", "US", "XX"]), st.booleans())
def test_a_form_is_its_own_form(text: str, country: str | None, gmail: bool) -> None:
    for normalizer in Normalizer:
        once = form(text, normalizer, country, gmail)
        if once is not None:
            assert form(once, normalizer, country, gmail) == once, (normalizer, text)


def test_long_text_is_no_telephone_number() -> None:
    number = "+39 02 1234567"
    assert (
        normalized(number.ljust(40), Normalizer.PHONE, country=None, gmail=False) == "+39021234567"
    )
    assert normalized(number.ljust(41), Normalizer.PHONE, country=None, gmail=False) is None
