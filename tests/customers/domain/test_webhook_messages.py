from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from customers.domain.webhooks import BATCH, MOST_IN_FLIGHT, split_into_messages

CUSTOMERS = [f"customer{number}" for number in range(12)]


def update(offset: int, kind: str, customer: str) -> Any:
    """A change of a customer or of an event of theirs; of a deleted event the owner is not told."""
    data = {
        "customer": {"id": customer},
        "gone": {"id": customer},
        "event": {"id": f"event{offset}", "customerId": customer},
        "anonymous": {"id": f"event of {customer}", "customerId": None},
        "gone event": {"id": f"event{offset}"},
        "member": {"id": f"change{offset}", "customerId": customer},
    }[kind]
    entity = {"event": "EVENT", "anonymous": "EVENT", "gone event": "EVENT", "member": "SEGMENT"}
    return {
        "offset": offset,
        "operation": "DELETE" if kind.startswith("gone") else "CREATE",
        "entity": {"type": entity.get(kind, "CUSTOMER"), "data": data},
    }


KINDS = st.sampled_from(["customer", "gone", "event", "anonymous", "member"])
KNOWN = st.lists(st.tuples(KINDS, st.sampled_from(CUSTOMERS)), min_size=1, max_size=900)


def updates_of(pairs: list[tuple[str, str]]) -> list[Any]:
    return [update(offset, *pair) for offset, pair in enumerate(pairs, start=1)]


@settings(max_examples=60)
@given(KNOWN, st.integers(1, MOST_IN_FLIGHT))
def test_changes_of_a_customer_are_in_one_message_in_order(
    pairs: list[tuple[str, str]], most: int
) -> None:
    updates = updates_of(pairs)
    messages = split_into_messages(updates, most=most)
    assert 1 <= len(messages) <= most
    assert all(0 < len(message) <= BATCH for message in messages)
    sent = [each["offset"] for message in messages for each in message]
    assert sorted(sent) == list(range(1, len(sent) + 1))  # the first ones, each once
    places = defaultdict(list)
    for number, message in enumerate(messages):
        for each in message:
            data = each["entity"]["data"]
            places[data.get("customerId") or data["id"]].append((number, each["offset"]))
    for found in places.values():
        assert len({number for number, _ in found}) == 1
        assert found == sorted(found)


def test_messages_are_filled_evenly() -> None:
    updates = [update(offset, "customer", f"{offset}") for offset in range(1, 351)]
    messages = split_into_messages(updates, most=8)
    assert [len(each) for each in messages] == [88, 88, 87, 87]


def test_a_deleted_event_goes_in_order_with_everything() -> None:
    """Whose it was is not known any more."""
    updates = [
        update(1, "customer", "a"),
        update(2, "gone event", "a"),
        update(3, "customer", "b"),
    ]
    assert split_into_messages(updates, most=2) == [updates[:1]]
    assert split_into_messages(updates[1:], most=2) == [updates[1:]]
