"""What of a customer is shown: which properties are null when absent, and which are left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuration.domain.customer_schema import BUILT_IN, CustomerSchema
from configuration.domain.schema_tree import resolve
from customers.domain.merge import EMPTY, for_create
from customers.domain.projection import field_selection, select_fields
from tests.customers.test_aggregates import activate, make, merge_all_pending
from tests.factories import Hub
from tests.strategies import bodies

SCHEMA = CustomerSchema()
GIVEN = {
    "contacts": {
        "email": "ada@example.com", "otherContacts": [{"value": "1"}, {"name": "n", "type": None}],
        "mobileDevices": [{"identifier": "d", "type": "IOS"}],
    },
    "educations": [{"id": "e", "schoolName": "x"}],
    "likes": [{"id": "l"}],
    "jobs": [{"id": "j", "jobTitle": "x", "endDate": None}],
    "subscriptions": [{"id": "news", "subscribed": True}],
}  # fmt: skip
LISTS = {
    "educations": [{"id": "e", "schoolName": "x"}],
    "likes": [{"id": "l"}],
    "jobs": [{"id": "j", "jobTitle": "x"}],
}
# Reference: the sample of a subscription; and its list of preferences.
SUBSCRIPTION = {
    "id", "name", "type", "kind", "subscribed", "startDate", "endDate", "subscriberId",
    "registeredAt", "updatedAt", "subscribeContext", "unsubscribeContext", "preferences",
}  # fmt: skip


def expected(schema: dict[str, Any], stored: Any, *, in_list: bool = False, name: str = "") -> Any:
    """By the JSON Schema alone: the value as answers are to show it."""
    schema = dict(resolve(schema, BUILT_IN))
    if "items" in schema:
        if in_list and name not in {"preferences"}:
            return stored
        is_sparse = name != "subscriptions"
        return [expected(schema["items"], each, in_list=is_sparse) for each in stored or []]
    if "properties" not in schema or stored is None:
        return stored
    return {
        key: expected(child, stored.get(key), in_list=in_list, name=key)
        for key, child in schema["properties"].items()
        if key in stored or not in_list
    }


def kept(body: dict[str, Any]) -> dict[str, Any]:
    return for_create(EMPTY, SCHEMA.canonical(body))


@given(body=bodies())
def test_elements_have_what_was_given(body: dict[str, Any]) -> None:
    stored = kept(body)["base"]
    assert SCHEMA.complete_base(stored) == expected(BUILT_IN["properties"]["base"], stored)
    for name in ("educations", "likes", "jobs", "subscriptions"):
        for element in stored.get(name) or []:
            whole = SCHEMA.complete_element(name, element)
            schema = resolve(BUILT_IN["$defs"][name.removesuffix("s")], BUILT_IN)
            assert whole.keys() == schema["properties"].keys()
            assert all(whole[key] == value for key, value in element.items())
            assert all(whole[key] in (None, []) for key in whole.keys() - element.keys())


PATHS = sorted(path for path in SCHEMA.kinds() if path.startswith(("base.", "consents.")))


def names_along(value: Any, path: list[str]) -> Any:
    """What stands at a path, lists element by element; None from where it ends."""
    if not path or value is None:
        return value
    if isinstance(value, list):
        return [names_along(each, path) for each in value]
    return names_along(value.get(path[0]), path[1:])


def keys_of(value: Any, at: str = "") -> set[str]:
    """The dotted paths of all keys."""
    if isinstance(value, list):
        return {path for each in value for path in keys_of(each, at)}
    if not isinstance(value, dict):
        return set()
    return {f"{at}{key}" for key in value} | {
        path for key, child in value.items() for path in keys_of(child, f"{at}{key}.")
    }


@given(body=bodies(), requested=st.lists(st.sampled_from(PATHS), min_size=1, max_size=5))
def test_the_requested_properties_are_there_and_nothing_else(
    body: dict[str, Any], requested: list[str]
) -> None:
    stored = kept(body)
    customer = {**stored, "base": SCHEMA.complete_base(stored["base"])}
    displayed = select_fields(customer, field_selection(requested))
    for path in requested:
        assert names_along(displayed, path.split(".")) == names_along(customer, path.split("."))
    for key in keys_of(displayed):
        assert any(key == path or path.startswith(f"{key}.") or key.startswith(f"{path}.")
                   for path in requested), key  # fmt: skip


def test_in_every_answer(hub: Hub) -> None:
    created = hub.post_customer(base=GIVEN)
    path = f"{hub.path}/customers/{created['id']}"
    aggregate = make(hub)
    activate(hub, aggregate)
    merge_all_pending()
    query = {"nodeId": aggregate}
    copy = hub.admin.get(f"{hub.path}/customers", query=query)["elements"][0]
    updates = hub.trusted.get(f"{hub.path}/updates", query={"entity": "CUSTOMER"})["updates"]
    export = hub.operator.get(f"{hub.path}/data-protection/customers/{created['id']}/export")
    answers = [
        created.json, hub.trusted.get(path).json, copy, export["customer"],
        hub.trusted.get(f"{hub.path}/customers", query={"nodeId": hub.node.id})["elements"][0],
        hub.admin.get(f"{hub.path}/customers/{copy['id']}/entry-customers")["elements"][0],
        *(update["entity"]["data"] for update in updates),
    ]  # fmt: skip
    assert len(answers) >= 7
    for answer in answers:
        base = answer["base"]
        assert {name: base[name] for name in LISTS} == LISTS
        assert base["contacts"]["otherContacts"] == [{"value": "1"}, {"name": "n"}]
        assert base["contacts"]["mobileDevices"] == [{"identifier": "d", "type": "IOS"}]
        (subscription,) = base["subscriptions"]
        assert set(subscription) == SUBSCRIPTION
        assert (subscription["kind"], subscription["preferences"]) == (None, [])
        # An object that is no element has all its properties.
        assert (base["contacts"]["fax"], base["address"]) == (None, None)
    resource = hub.trusted.get(f"{path}/subscriptions/news")
    assert set(resource.json) == SUBSCRIPTION
    assert set(hub.trusted.get(f"{path}/jobs/j").json) == {
        "id", "companyIndustry", "companyName", "jobTitle", "startDate", "endDate", "isCurrent",
    }  # fmt: skip


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_elements_with_nulls_as_they_were_read_before_change_nothing(hub: Hub, method: str) -> None:
    """Clients hold customers that were answered with every property of elements."""
    created = hub.post_customer(base=GIVEN).json
    base = created["base"]
    names = CustomerSchema().kinds()
    filled = {}
    for name in LISTS:
        at = f"base.{name}."
        keys = [path.removeprefix(at) for path in names if path.startswith(at)]
        filled[name] = [dict.fromkeys(keys) | element for element in base[name]]
    contacts = base["contacts"]
    others = [dict.fromkeys(("name", "type", "value")) | each for each in contacts["otherContacts"]]
    before = created | {"base": base | filled | {"contacts": contacts | {"otherContacts": others}}}
    path = f"{hub.path}/customers" + ("" if method == "POST" else f"/{created['id']}")
    answer = hub.trusted.request(method, path, before)
    assert (answer.status, answer.json) == (200, created)


def test_fields_that_a_customer_lacks(hub: Hub) -> None:
    extended = {
        "card": {"type": "string"},
        "box": {"type": "object", "properties": {"size": {"type": "integer"}}},
    }
    properties = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(properties, extended).status == 200
    created = hub.post_customer(
        base={"contacts": {"email": "a@x.it"}, "lastName": "L",
              "jobs": [{"id": "j", "jobTitle": "T"}, {"id": "k"}]},
        consents={"profiling": {"online": {"status": True}}},
    )  # fmt: skip

    def displayed(*fields: str) -> Any:
        query = {"nodeId": hub.node.id, "fields": ",".join(fields)}
        answer = hub.trusted.get(f"{hub.path}/customers", query=query)
        assert answer.status == 200, answer.content
        (customer,) = answer["elements"]
        assert customer.pop("id") == created["id"]
        return customer

    assert displayed("base.firstName") == {"base": {"firstName": None}}
    assert displayed("base.contacts.phone") == {"base": {"contacts": {"phone": None}}}
    assert displayed("base.address.city") == {"base": {"address": None}}
    assert displayed("base.jobs.jobTitle") == {
        "base": {"jobs": [{"jobTitle": "T"}, {"jobTitle": None}]}
    }
    assert displayed("base.educations.id") == {"base": {"educations": []}}
    assert displayed("extended.card", "extended.box.size") == {
        "extended": {"card": None, "box": None}
    }
    assert displayed("consents.marketing.automatic.sms.status") == {"consents": {"marketing": None}}
    assert displayed("consents.profiling.online.objection") == {
        "consents": {"profiling": {"online": {"objection": None}}}
    }
    assert displayed("extra", "externalId") == {"extra": None, "externalId": None}
    assert displayed("tags.auto", "sourceInfo.updatedBy") == {
        "tags": {"auto": []}, "sourceInfo": {"updatedBy": str(hub.source.id)},
    }  # fmt: skip
