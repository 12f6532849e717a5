from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given

from customers.domain.merge import EMPTY, for_create, for_replace, for_update, unchanged
from customers.domain.modes import Mode
from tests.strategies import bodies


def base(existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    return for_create({**EMPTY, "base": existing}, {"base": sent})["base"]


def test_scalars_replace_and_absent_ones_stay() -> None:
    assert base({"firstName": "Ada", "title": "Lady"}, {"firstName": "Grace"}) == {
        "firstName": "Grace",
        "title": "Lady",
    }


def test_null_removes_at_every_level() -> None:
    contacts = {"email": "a@b.c", "phone": "1"}
    existing = {"firstName": "Ada", "contacts": contacts, "jobs": [{"id": "1"}]}
    assert base(existing, {"firstName": None, "contacts": {"phone": None}, "jobs": None}) == {
        "contacts": {"email": "a@b.c"}
    }
    assert base({"contacts": {"phone": "1"}}, {"contacts": {"phone": None}}) == {}
    assert for_create({**EMPTY, "tags": {"manual": ["a"]}}, {"tags": None})["tags"] == {}
    assert for_create({**EMPTY, "externalId": "1"}, {"externalId": None})["externalId"] is None


def test_collections_append_without_duplicates() -> None:
    assert base({"contacts": {"otherContacts": [{"name": "x"}]}},
                {"contacts": {"otherContacts": [{"name": "y"}, {"name": "x", "value": None}]}}) == {
        "contacts": {"otherContacts": [{"name": "x"}, {"name": "y"}]}
    }  # fmt: skip
    merged = for_create({**EMPTY, "tags": {"manual": ["a", "b"]}}, {"tags": {"manual": ["b", "c"]}})
    assert merged["tags"]["manual"] == ["a", "b", "c"]


def test_elements_with_an_id_are_recognised_by_it_and_the_newer_wins_whole() -> None:
    jobs = [{"id": "1", "companyName": "A", "jobTitle": "Boss"}, {"id": "2"}]
    assert base({"jobs": jobs}, {"jobs": [{"id": "1", "companyName": "B"}]})["jobs"] == [
        {"id": "1", "companyName": "B"},
        {"id": "2"},
    ]


def test_subscriptions_merge_property_by_property() -> None:
    existing = [{"id": "news", "name": "News", "subscribed": True, "kind": "SERVICE"}]
    sent = [{"id": "news", "subscribed": False, "kind": None}]
    assert base({"subscriptions": existing}, {"subscriptions": sent})["subscriptions"] == [
        {"id": "news", "name": "News", "subscribed": False}
    ]


def test_an_element_without_id_gets_one_and_is_one_element_however_often_it_is_sent() -> None:
    once = base({}, {"educations": [{"schoolName": "Liceo"}]})
    assert once["educations"][0]["id"]
    assert base(once, {"educations": [{"schoolName": "Liceo"}]}) == once


def test_free_form_objects_are_values() -> None:
    existing = [{"id": "n", "subscribed": True, "subscribeContext": {"a": 1, "b": None}}]
    sent = [{"id": "n", "subscribed": True, "subscribeContext": {"c": {}}}]
    merged = base({"subscriptions": existing}, {"subscriptions": sent})
    assert merged["subscriptions"][0]["subscribeContext"] == {"c": {}}


def test_enabled_stays_unless_given() -> None:
    assert for_create(EMPTY, {})["enabled"] is True
    assert for_create(EMPTY, {"enabled": False})["enabled"] is False
    assert for_create({**EMPTY, "enabled": False}, {"enabled": None})["enabled"] is False


def test_true_and_one_differ() -> None:
    assert not unchanged({"a": True}, {"a": 1})
    assert unchanged({"a": [1]}, {"a": [1]})


@given(bodies(), bodies())
def test_a_second_post_of_the_same_changes_nothing(first: Any, second: Any) -> None:
    once = for_create(for_create(EMPTY, first), second)
    assert unchanged(once, for_create(once, second))


@given(bodies(), bodies())
def test_inputs_are_neither_changed_nor_shared(first: Any, second: Any) -> None:
    existing = for_create(EMPTY, first)
    untouched, sent = copy.deepcopy(existing), copy.deepcopy(second)
    merged = for_create(existing, second)
    assert (existing, second) == (untouched, sent)
    assert not _containers(merged) & (_containers(existing) | _containers(second))


@given(bodies())
def test_documents_hold_no_empty_values(body: Any) -> None:
    document = for_create(EMPTY, body)
    for section in ("base", "consents", "extended", "tags"):
        _assert_full(document[section], top=True)


@given(bodies(), bodies())
def test_what_was_sent_as_text_is_what_is_there(first: Any, second: Any) -> None:
    merged = for_create(for_create(EMPTY, first), second)
    for name, value in (second.get("base") or {}).items():
        if isinstance(value, str):
            assert merged["base"][name] == value
        if value is None and name != "subscriptions":  # only STRICT removes these
            assert name not in merged["base"]


def _containers(value: Any) -> set[int]:
    found: set[int] = set()
    if isinstance(value, dict | list):
        found.add(id(value))
        for child in value.values() if isinstance(value, dict) else value:
            found |= _containers(child)
    return found


def _assert_full(value: Any, *, top: bool = False) -> None:
    assert top or value not in (None, [], {})
    if isinstance(value, dict):
        for name, child in value.items():
            if name not in {"subscribeContext", "unsubscribeContext"}:
                _assert_full(child)


# PATCH and PUT


def updated(existing: dict[str, Any], sent: dict[str, Any], *, strict: bool = False) -> Any:
    return for_update({**EMPTY, "base": existing}, {"base": sent}, strict=strict)["base"]


def test_an_update_replaces_collections_as_sets() -> None:
    contacts = {"contacts": {"otherContacts": [{"name": "x"}], "email": "a@b.c"}}
    sent = {"contacts": {"otherContacts": [{"name": "y"}, {"name": "y"}]}}
    assert updated(contacts, sent) == {
        "contacts": {"otherContacts": [{"name": "y"}], "email": "a@b.c"}
    }
    assert updated(contacts, {"contacts": {"otherContacts": []}}) == {
        "contacts": {"email": "a@b.c"}
    }
    tags = for_update(
        {**EMPTY, "tags": {"manual": ["a", "b"]}}, {"tags": {"manual": ["a"]}}, strict=False
    )
    assert tags["tags"] == {"manual": ["a"]}


def test_an_update_merges_subscriptions_unless_strict() -> None:
    there = {
        "subscriptions": [
            {"id": "a", "subscribed": True, "name": "A"},
            {"id": "b", "subscribed": True},
        ]
    }
    sent = {"subscriptions": [{"id": "a", "subscribed": False}]}
    assert updated(there, sent)["subscriptions"] == [
        {"id": "a", "subscribed": False, "name": "A"},
        {"id": "b", "subscribed": True},
    ]
    assert updated(there, sent, strict=True) == {
        "subscriptions": [{"id": "a", "subscribed": False}]
    }
    for nothing in ([], None):
        assert updated(there, {"subscriptions": nothing}) == there
        assert base(there, {"subscriptions": nothing}) == there
        assert updated(there, {"subscriptions": nothing}, strict=True) == {}


def test_only_base_has_subscriptions_and_free_form_objects() -> None:
    there = {**EMPTY, "extended": {"subscriptions": ["a"], "subscribeContext": {"a": 1, "b": 2}}}
    sent = {"extended": {"subscriptions": ["b"], "subscribeContext": {"a": 3}}}
    assert for_update(there, sent, strict=False)["extended"] == {
        "subscriptions": ["b"],
        "subscribeContext": {"a": 3, "b": 2},
    }


def test_a_strict_put_is_what_was_given() -> None:
    assert for_replace({"base": {"firstName": "Ada"}}) == {**EMPTY, "base": {"firstName": "Ada"}}


@given(bodies(), bodies())
def test_an_update_twice_is_an_update_once(first: Any, second: Any) -> None:
    for strict in (False, True):
        once = for_update(for_create(EMPTY, first), second, strict=strict)
        assert unchanged(once, for_update(once, second, strict=strict))


TWICE = {"key": "k", "value": "v"}


@given(bodies())
@example(
    {"base": {"subscriptions": [{"id": "a", "subscribed": False, "preferences": [TWICE, TWICE]}]}}
)
def test_updating_with_what_is_there_changes_nothing(body: Any) -> None:
    document = for_create(EMPTY, body)
    for strict in (False, True):
        assert unchanged(document, for_update(document, document, strict=strict))
    assert unchanged(document, for_replace(document))


@given(bodies(), bodies())
def test_an_update_neither_changes_nor_shares_its_inputs(first: Any, second: Any) -> None:
    existing = for_create(EMPTY, first)
    untouched, sent = copy.deepcopy(existing), copy.deepcopy(second)
    merged = for_update(existing, second, strict=False)
    assert (existing, second) == (untouched, sent)
    assert not _containers(merged) & (_containers(existing) | _containers(second))
    for section in ("base", "consents", "extended", "tags"):
        _assert_full(merged[section], top=True)


@given(bodies(), bodies(), bodies())
def test_a_strict_put_forgets_everything_before(first: Any, second: Any, third: Any) -> None:
    before = for_update(for_create(EMPTY, first), second, strict=False)
    assert Mode.PUT_STRICT.applied(before, third) == for_replace(third)
