from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.domain.aggregation import LOWEST_RANK, Member, aggregated, fitting, in_order
from customers.domain.merge import EMPTY, for_create
from tests.strategies import bodies

POLICIES = [
    "OBJ_PRIORITY", "OBJ_CONCATENATE", "ARRAY_UNION", "ARRAY_INTERSECTION", "MATH_SUM", "MATH_AVG",
    "MATH_DIFF", "MATH_MIN", "MATH_MAX",
]  # fmt: skip


def member(number: int, rank: int = LOWEST_RANK, at: str = "2024", **document: Any) -> Member:
    return Member(f"{number}", for_create(EMPTY, document), rank, at)


def merged(policy: str, *values: Any, kind: str = "string", **definition: Any) -> Any:
    members = [
        member(number, at=f"{9999 - number}", extended={"p": value})
        for number, value in enumerate(values)
    ]
    definitions = {"p": {"type": kind, "mergePolicy": policy} | definition}
    return aggregated(members, definitions)["extended"].get("p")


@pytest.mark.parametrize(
    ("policy", "kind", "values", "expected"),
    [
        ("OBJ_PRIORITY", "string", ["a", "b"], "a"), ("OBJ_CONCATENATE", "string", ["a", "b", "a"], "a b"), ("OBJ_CONCATENATE", "array", [["a"], ["b", "a"]], ["a", "b", "a"]),
        ("OBJ_CONCATENATE", "number", [1, 2], 12), ("OBJ_CONCATENATE", "number", [1.5, 2], 1.5), ("OBJ_CONCATENATE", "number", [10**15, 10**15], 10**15),
        ("ARRAY_UNION", "array", [["a", "b"], ["b", "c"]], ["a", "b", "c"]), ("ARRAY_INTERSECTION", "array", [["a", "b"], ["b", "c"]], ["b"]), ("ARRAY_INTERSECTION", "array", [["a"], ["b"]], None),
        ("MATH_SUM", "number", [0.1, 0.2], 0.3), ("MATH_SUM", "integer", [1, 2, 3], 6), ("MATH_AVG", "number", [1, 2], 1.5), ("MATH_AVG", "integer", [1, 2, 4], 2), ("MATH_DIFF", "number", [5, 2, 1], 2),
        ("MATH_MIN", "number", [5, 2.5], 2.5), ("MATH_MAX", "number", [5, 2.5], 5), ("ARRAY_UNION", "array", [[1], [True]], [1, True]), ("MATH_SUM", "number", [0, 0], 0),
    ],
)  # fmt: skip
def test_merge_policies(policy: str, kind: str, values: list[Any], expected: Any) -> None:
    assert merged(policy, *values, kind=kind) == expected


@pytest.mark.parametrize(
    ("policy", "kind", "values", "expected"),
    [
        ("MATH_SUM", "number", [0.1] * 10, 1), ("MATH_DIFF", "number", [0.3, 0.1], 0.2),
        ("MATH_AVG", "number", [0.1, 0.2, 0.3], 0.2), ("MATH_AVG", "number", [1, 0, 0], 0.3333333333333333),
        ("MATH_MIN", "number", [0.3, 0.1], 0.1), ("MATH_MAX", "number", [0.3, 0.1], 0.3),
        ("MATH_SUM", "number", [1e16, 0.1, -1e16], 0.1), ("MATH_SUM", "number", [19.99, 5.01], 25),
        ("MATH_DIFF", "number", [1.1, 1.1], 0), ("MATH_SUM", "number", [5e-324, 1], 1.0),
        # Too large for what can be stored: the first value.
        ("MATH_SUM", "number", [1.5e308, 1.5e308], 1.5e308), ("MATH_SUM", "integer", [2**62, 2**62], 2**62),
        ("MATH_SUM", "number", [2**62, 2**62], float(2**63)), ("MATH_MAX", "number", [1e300, 1], 1e300),
        # Of another type than the definition has now.
        ("MATH_SUM", "number", ["x", 1, True, 2], 3), ("MATH_SUM", "number", ["x", True], "x"),
        ("ARRAY_UNION", "array", ["x", ["a"], ["b", "a"]], ["a", "b"]), ("ARRAY_UNION", "array", ["x", 1], "x"),
        ("ARRAY_INTERSECTION", "array", [["b", "a", "b"], "x", ["a", "b"]], ["b", "a"]), ("ARRAY_INTERSECTION", "array", ["x"], "x"),
        ("ARRAY_UNION", "array", [[1, 1.0, True, "1"], [[1], {"a": 1}], [[1], {"a": 1}, {"a": True}]], [1, 1.0, True, "1", [1], {"a": 1}, {"a": True}]),
        ("OBJ_CONCATENATE", "integer", [10**15] * 400, 10**15), ("OBJ_CONCATENATE", "integer", [True, 1], True),
    ],
)  # fmt: skip
def test_odd_values(policy: str, kind: str, values: list[Any], expected: Any) -> None:
    found = merged(policy, *values, kind=kind)
    assert (type(found), found) == (type(expected), expected)
    orjson.dumps(found)


@given(
    st.sampled_from(["MATH_SUM", "MATH_AVG", "MATH_DIFF", "MATH_MIN", "MATH_MAX"]),
    st.lists(
        st.decimals(-1000, 1000, places=3, allow_nan=False).map(float), min_size=1, max_size=6
    ),
)
def test_numbers_are_reckoned_in_decimal(policy: str, values: list[float]) -> None:
    numbers = [Decimal(str(value)) for value in values]
    expected = {
        "MATH_SUM": sum(numbers),
        "MATH_AVG": sum(numbers) / len(numbers),
        "MATH_DIFF": numbers[0] - sum(numbers[1:]),
        "MATH_MIN": min(numbers),
        "MATH_MAX": max(numbers),
    }[policy]
    assert merged(policy, *values, kind="number") == float(expected)


def test_concatenated_text_keeps_its_limit() -> None:
    assert merged("OBJ_CONCATENATE", "abc", "def", maxLength=5) == "abc d"


def test_nested_properties_have_policies_of_their_own() -> None:
    club = {
        "type": "object",
        "properties": {
            "points": {"type": "integer", "mergePolicy": "MATH_SUM"},
            "name": {"type": "string"},
        },
    }
    members = [
        member(1, at="2025", extended={"club": {"points": 3, "name": "a"}}),
        member(2, at="2024", extended={"club": {"points": 4, "name": "b"}}),
    ]
    assert aggregated(members, {"club": club})["extended"] == {"club": {"points": 7, "name": "a"}}


def test_priority_then_the_newest_leaf_by_leaf() -> None:
    shop = member(1, rank=1, at="2025", base={"firstName": "Anna", "dob": "1990-01-01"})
    till = member(2, rank=0, at="2020", base={"firstName": "ANNA", "address": {"city": "Rome"}})
    web = member(3, at="2026", base={"firstName": "A", "address": {"city": "Milan", "zip": "1"}})
    person = aggregated([web, shop, till], {})
    assert person["base"] == {
        "firstName": "ANNA", "dob": "1990-01-01", "address": {"city": "Rome", "zip": "1"},
    }  # fmt: skip


def test_tags_and_subscriptions_are_united() -> None:
    one = member(
        1,
        at="2025",
        tags={"manual": ["a", "b"]},
        base={"subscriptions": [{"id": "x", "subscribed": True}]},
    )
    two = member(
        2,
        at="2024",
        tags={"manual": ["b", "c"], "auto": ["d"]},
        base={"subscriptions": [{"id": "x", "subscribed": False}, {"id": "y", "subscribed": True}]},
    )
    person = aggregated([one, two], {})
    assert person["tags"] == {"auto": ["d"], "manual": ["a", "b", "c"]}
    assert person["base"]["subscriptions"] == [
        {"id": "x", "subscribed": True},
        {"id": "y", "subscribed": True},
    ]


def test_of_a_subscription_the_latest_change_counts_whole() -> None:
    def of(number: int, at: str, rank: int, *subscriptions: dict[str, Any]) -> Member:
        return member(number, rank=rank, at=at, base={"subscriptions": list(subscriptions)})

    out = {"id": "x", "subscribed": False, "updatedAt": "2024-03-01T00:00:00.000Z"}
    opted_in = {
        "id": "x",
        "subscribed": True,
        "name": "News",
        "updatedAt": "2024-02-01T00:00:00.000Z",
    }
    other = {"id": "y", "subscribed": True, "updatedAt": "2020-01-01T00:00:00.000Z"}
    # Neither a later touch of the member nor its priority brings an older word back.
    person = aggregated([of(1, "2026", 0, opted_in, other), of(2, "2025", 1, out)], {})
    assert person["base"]["subscriptions"] == [out, other]
    # Of equal moments the priority decides, and any moment is later than none.
    same = out | {"subscribed": True}
    assert aggregated([of(1, "2026", 1, out), of(2, "2025", 0, same)], {})["base"] == {
        "subscriptions": [same]
    }
    undated = {"id": "x", "subscribed": True}
    assert aggregated([of(1, "2026", 0, undated), of(2, "2025", 1, out)], {})["base"] == {
        "subscriptions": [out]
    }


def test_a_removed_consent_does_not_bring_an_older_one_back() -> None:
    path = "consents.profiling.online.status"
    given_consents = {"consents": {"profiling": {"online": {"status": True}}}}

    def of(number: int, document: dict[str, Any], moment: str | None, rank: int = 0) -> Member:
        moments = {} if moment is None else {path: moment}
        return Member(f"{number}", for_create(EMPTY, document), rank, "2000", moments)

    removed_later = [of(1, given_consents, "2020"), of(2, {}, "2021")]
    assert aggregated(removed_later, {})["consents"] == {}
    said_later = [of(1, given_consents, "2022"), of(2, {}, "2021")]
    assert aggregated(said_later, {})["consents"] == given_consents["consents"]
    never_said = [of(1, given_consents, "2020"), of(2, {}, None)]
    assert aggregated(never_said, {})["consents"] == given_consents["consents"]
    at_once = [of(1, given_consents, "2020", rank=1), of(2, {}, "2020", rank=0)]
    assert aggregated(at_once, {})["consents"] == {}


def test_of_a_consent_the_latest_change_counts() -> None:
    def consents(status: bool) -> dict[str, Any]:
        return {"profiling": {"online": {"status": status}, "classic": {"status": status}}}

    early = Member("1", for_create(EMPTY, {"consents": consents(True)}), 0, "2026",
                   {"consents.profiling.online.status": "2020", "consents.profiling.classic.status": "2024"})  # fmt: skip
    late = Member("2", for_create(EMPTY, {"consents": consents(False)}), 1, "2025",
                  {"consents.profiling.online.status": "2023", "consents.profiling.classic.status": "2021"})  # fmt: skip
    assert aggregated([early, late], {})["consents"] == {
        "profiling": {"classic": {"status": True}, "online": {"status": False}}
    }


MEMBERS = st.lists(
    st.builds(
        Member,
        st.sampled_from("abcdef"),
        st.builds(lambda body: for_create(EMPTY, body), bodies()),
        st.sampled_from([0, 1, LOWEST_RANK]),
        st.sampled_from(["2024", "2025"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.id,
)


@given(MEMBERS, st.randoms())
def test_the_order_of_members_does_not_matter(members: list[Member], chance: Any) -> None:
    before = copy.deepcopy(members)
    person = aggregated(members, {})
    shuffled = list(members)
    chance.shuffle(shuffled)
    assert aggregated(shuffled, {}) == person
    assert members == before


@given(MEMBERS)
def test_one_member_is_the_person(members: list[Member]) -> None:
    alone = members[0]
    person = aggregated([alone], {})
    base = dict(person["base"])
    expected = dict(alone.document["base"])
    for each in (base, expected):
        each["subscriptions"] = sorted(each.get("subscriptions", []), key=lambda one: one["id"])
    assert base == expected
    assert person["consents"] == alone.document["consents"]
    assert (person["externalId"], person["enabled"]) == (
        alone.document["externalId"], alone.document["enabled"],
    )  # fmt: skip


@given(
    st.sampled_from(POLICIES),
    st.lists(st.one_of(st.integers(-5, 5), st.floats(-5, 5)), min_size=1, max_size=4),
    st.randoms(),
)
def test_numbers_are_reckoned_whatever_the_order(
    policy: str, values: list[Any], chance: Any
) -> None:
    if policy.startswith("ARRAY"):
        values = [[value] for value in values]
    first, *rest = values
    chance.shuffle(rest)
    if policy in {"MATH_SUM", "MATH_AVG", "MATH_DIFF", "MATH_MIN", "MATH_MAX"}:
        assert merged(policy, first, *rest, kind="number") == merged(policy, *values, kind="number")


@given(MEMBERS, st.integers(100, 3000))
def test_a_document_fits_or_is_the_first_members(members: list[Member], largest: int) -> None:
    def fits(document: Any) -> bool:
        return len(json.dumps(document)) <= largest

    document = fitting(members, {}, fits)
    whole, first = aggregated(members, {}), aggregated(in_order(members)[:1], {})
    assert fits(document) or document == first
    assert (document == whole) is fits(whole) or document == whole
    if not fits(document):
        assert not fits(first)


def test_what_does_not_fit_is_left_out_from_the_last_member_on() -> None:
    news = [{"id": "news", "subscribed": True, "updatedAt": "2020"}]
    last = [{"id": "news", "subscribed": False, "updatedAt": "2021"}]
    members = [
        member(1, 0, base={"firstName": "A", "subscriptions": news}, tags={"manual": ["a" * 100]}),
        member(2, 1, base={"lastName": "B"}, tags={"manual": ["b" * 100]}),
        member(3, 2, base={"subscriptions": last}, tags={"manual": ["c" * 100]}),
    ]
    document = fitting(members, {}, lambda each: len(orjson.dumps(each)) <= 500)
    assert document["tags"]["manual"] == ["a" * 100, "b" * 100]
    assert document["base"]["lastName"] == "B"
    assert document["base"]["subscriptions"] == last, "what was said last counts all the same"
    tiny = fitting(members, {}, lambda each: len(orjson.dumps(each)) <= 10)
    assert tiny == aggregated(members[:1], {})
