from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from customers.domain.changed_paths import MOST_PATHS, changed_paths
from customers.domain.merge import EMPTY
from segments.domain.dependencies import Dependencies

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 1), st.sampled_from([0.5, 1.0, "a", "b", ""])
)
NAMES = st.sampled_from(["x", "xy", "y"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
SECTIONS = ("base", "consents", "extended", "tags")
DOCUMENTS = st.fixed_dictionaries(
    {"externalId": st.sampled_from([None, "1"]), "extra": st.sampled_from([None, "1"])}
    | {"enabled": st.booleans()}
    | {name: st.dictionaries(NAMES, VALUES, max_size=3) for name in SECTIONS}
)
PATHS = st.builds(
    lambda section, names: ".".join([section, *names]),
    st.sampled_from(SECTIONS),
    st.lists(NAMES, max_size=3),
)
ATTRIBUTES = st.one_of(PATHS, st.sampled_from(["externalId", "extra", "enabled"]))


def seen_at(document: Mapping[str, Any], attribute: str) -> str:
    """What a comparison of an attribute can see, as text: values, of arrays every element."""
    found: list[Any] = [document]
    for name in attribute.split("."):
        found = [each for one in found for each in (one if isinstance(one, list) else [one])]
        found = [each.get(name) for each in found if isinstance(each, dict)]
    found = [each for one in found for each in (one if isinstance(one, list) else [one])]
    return repr([each for each in found if each is not None and not isinstance(each, dict | list)])


@given(DOCUMENTS, DOCUMENTS, st.lists(ATTRIBUTES, min_size=1, max_size=6))
def test_a_segment_that_can_see_a_change_is_found(
    before: dict[str, Any], after: dict[str, Any], attributes: list[str]
) -> None:
    index = Dependencies()
    segments = {UUID(int=number): attribute for number, attribute in enumerate(attributes)}
    for segment_id, attribute in segments.items():
        index.add(segment_id, [attribute], [])
    found = index.of_paths(changed_paths(before, after))
    for segment_id, attribute in segments.items():
        if seen_at(before, attribute) != seen_at(after, attribute):
            assert segment_id in found, attribute
        if before.get(attribute.split(".")[0]) is after.get(attribute.split(".")[0]):
            assert segment_id not in found, attribute


@given(st.sets(ATTRIBUTES, max_size=8), st.sets(ATTRIBUTES, max_size=4))
def test_found_are_those_that_look_at_a_path_or_above_or_below_it(
    attributes: set[str], paths: set[str]
) -> None:
    index = Dependencies()
    segments = {attribute: UUID(int=number) for number, attribute in enumerate(sorted(attributes))}
    for attribute, segment_id in segments.items():
        index.add(segment_id, [attribute], [])

    def is_above(one: str, other: str) -> bool:
        parts = one.split(".")
        return other.split(".")[: len(parts)] == parts

    expected = {
        segment_id
        for attribute, segment_id in segments.items()
        if any(is_above(attribute, path) or is_above(path, attribute) for path in paths)
    }
    assert index.of_paths(paths) == expected


def test_attributes_that_every_write_changes_and_unknown_paths() -> None:
    index = Dependencies()
    by_version, by_name, by_events = (UUID(int=number) for number in range(3))
    index.add(by_version, ["version"], [])
    index.add(by_name, ["base.firstName"], ["searched"])
    index.add(by_events, [], ["searched", "loggedIn"])
    assert index.of_paths([]) == {by_version}
    assert index.of_paths(["base.lastName"]) == {by_version}
    assert index.of_paths(["base.firstName"]) == {by_version, by_name}
    assert index.of_paths(None) == {by_version, by_name}
    assert index.of_event_type("searched") == {by_name, by_events}
    assert index.of_event_type("loggedIn") == {by_events}
    assert index.of_event_type("viewedPage") == set()


def changed(section: str, before: Any, after: Any) -> list[str] | None:
    return changed_paths({**EMPTY, section: before}, {**EMPTY, section: after})


def test_paths_end_at_arrays_and_extended_properties() -> None:
    assert changed("base", {"subscriptions": [{"id": 1}]}, {"subscriptions": []}) == [
        "base.subscriptions"
    ]
    assert changed("base", {"contacts": {"email": "a"}}, {"contacts": {"email": "b"}}) == [
        "base.contacts.email"
    ]
    assert changed("extended", {"pets": {"Rex": 1}}, {"pets": {"Rex": 2}}) == ["extended.pets"]
    assert changed("extended", {"flag": True}, {"flag": 1}) == ["extended.flag"]
    assert changed("base", {"a": None}, {}) == []


def test_many_changed_paths_are_not_known() -> None:
    before = {f"p{number}": 1 for number in range(MOST_PATHS + 1)}
    assert changed("extended", before, {}) is None
