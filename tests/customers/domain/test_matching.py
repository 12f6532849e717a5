from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.matching_policy import MatchingPolicy
from customers.domain.matching import match_key, missing_properties

EMAIL = ("base.contacts.email",)
LOOSE = MatchingPolicy(EMAIL, case_sensitive=False)
EXACT = MatchingPolicy(EMAIL, case_sensitive=True)


def person(email: Any, **base: Any) -> dict[str, Any]:
    return {"base": {"contacts": {"email": email}, **base}}


@pytest.mark.parametrize(
    ("first", "second"),
    [("Ada@Example.com", "ada@example.COM"), (" ada@example.com ", "ada@example.com"),
     ("straße", "STRASSE"), ("é", "e\u0301"), ("Ⅷ", "ⅷ")],
)  # fmt: skip
def test_one_person_in_any_case(first: str, second: str) -> None:
    assert match_key(LOOSE, person(first)) == match_key(LOOSE, person(second))


def test_case_counts_where_the_policy_says_so() -> None:
    assert match_key(EXACT, person("Ada")) != match_key(EXACT, person("ada"))
    assert match_key(EXACT, person("é")) == match_key(EXACT, person("e\u0301"))


@pytest.mark.parametrize("nothing", [None, "", "   ", {}])
def test_a_missing_value_gives_no_key_and_is_named(nothing: Any) -> None:
    document = {"base": {"contacts": nothing}} if nothing == {} else person(nothing)
    assert match_key(LOOSE, document) is None
    assert missing_properties(LOOSE, document) == ["base.contacts.email"]


def test_all_values_count_whatever_the_order_of_the_paths() -> None:
    one = MatchingPolicy(("externalId", *EMAIL), case_sensitive=False)
    other = MatchingPolicy((*EMAIL, "externalId"), case_sensitive=False)
    document = person("a") | {"externalId": "7"}
    assert match_key(one, document) == match_key(other, document)
    assert match_key(one, document) != match_key(one, document | {"externalId": "8"})


def test_values_do_not_run_into_each_other() -> None:
    policy = MatchingPolicy(("base.firstName", "base.lastName"), case_sensitive=False)
    one = {"base": {"firstName": "a", "lastName": "bc"}}
    other = {"base": {"firstName": "ab", "lastName": "c"}}
    assert match_key(policy, one) != match_key(policy, other)


def test_numbers_and_text_differ_and_equal_numbers_do_not() -> None:
    policy = MatchingPolicy(("extended.code",), case_sensitive=False)
    assert match_key(policy, {"extended": {"code": 1}}) == match_key(policy, {"extended": {"code": 1.0}})  # fmt: skip
    assert match_key(policy, {"extended": {"code": 1}}) != match_key(policy, {"extended": {"code": "1"}})  # fmt: skip
    assert match_key(policy, {"extended": {"code": True}}) != match_key(policy, {"extended": {"code": 1}})  # fmt: skip


@given(st.text(min_size=1))
def test_a_key_does_not_depend_on_case_or_normal_form(text: str) -> None:
    key = match_key(LOOSE, person(text))
    assert key == match_key(LOOSE, person(unicodedata.normalize("NFD", text)))
    assert key == match_key(LOOSE, person(unicodedata.normalize("NFC", text.casefold())))


@given(st.text(), st.text())
def test_exact_keys_are_equal_exactly_for_equal_text(one: str, other: str) -> None:
    policy = MatchingPolicy(EMAIL, case_sensitive=True, placeholders=frozenset())
    same = _plain(one) == _plain(other)
    assert (match_key(policy, person(one)) == match_key(policy, person(other))) is same


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()
