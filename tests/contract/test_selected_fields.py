"""Lists of customers with `fields` are as the document says, whatever is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.domain.customer_schema import CustomerSchema
from configuration.models import Workspace
from customers.api.search_parameters import WHOLE_FIELDS
from tests.client import Answer
from tests.contract.document import check, described
from tests.factories import Hub

PLACE = {"city": "Verona", "geo": {"lat": 45.4, "lon": 11.0}}
SUBSCRIPTION = {
    "id": "news", "subscribed": True, "kind": "SERVICE", "startDate": "2026-01-12T11:00:00.000Z",
    "preferences": [{"key": "lang", "value": "it"}],
}  # fmt: skip
CONTACTS = {
    "otherContacts": [{"name": "work", "type": "PHONE", "value": "045"}],
    "mobileDevices": [{"identifier": "x", "type": "IOS", "notificationService": "APN"}],
}
CONSENTS = {"marketing": {"automatic": {"email": {"status": True}}}}
EXTENDED = {
    "box": {"type": "object", "properties": {"opened": {"type": "string", "format": "date-time"}}},
    "points": {"type": "integer"},
}


@pytest.fixture
def listed(hub: Hub) -> Any:
    """Lists with some fields a customer of whom much is known, and one of whom little is."""
    path = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(path, EXTENDED).status == 200
    rich = hub.post_customer(
        externalId="x", extra="y", tags={"manual": ["vip"]}, consents=CONSENTS,
        extended={"points": 3, "box": {"opened": "2026-01-12T11:00:00.000Z"}},
        base={
            "firstName": "Zoë", "address": PLACE, "subscriptions": [SUBSCRIPTION],
            "contacts": CONTACTS | {"email": "zoe@example.com"}, "timezone": "Europe/Rome",
            "educations": [{"id": "liceo", "schoolType": "OTHER"}], "credential": {"username": "z"},
            "likes": [{"id": "sea", "createdTime": "2026-01-12T11:00:00.000Z"}],
            "jobs": [{"id": "acme"}], "socialProfile": {"twitter": "@zoe"},
        },
    )  # fmt: skip
    assert rich.status == 201, rich.content
    assert hub.post_customer().status == 201

    def answer(*fields: str) -> Answer:
        query = {"nodeId": hub.node.id, "fields": ",".join(fields)}
        return hub.trusted.get(f"{hub.path}/customers", query=query)

    answer.fields = sorted(WHOLE_FIELDS | CustomerSchema((), extended(hub)).kinds().keys())  # type: ignore[attr-defined]
    return answer


def extended(hub: Hub) -> dict[str, Any]:
    return Workspace.objects.get(id=hub.workspace.id).customer_extended


def check_list(answer: Answer, fields: list[str]) -> None:
    """Two customers as the document says, with their id and the roots of what was asked for."""
    assert answer.status == 200, answer.content
    _, operation = described("list_customers")
    check(answer.json, operation["responses"]["200"]["content"]["application/json"]["schema"])
    roots = {"id"} | {field.partition(".")[0] for field in fields}
    assert [element.keys() for element in answer["elements"]] == [roots, roots]


def test_each_field(listed: Any) -> None:
    assert len(listed.fields) > 100
    for field in listed.fields:
        check_list(listed(field), [field])


def test_any_fields(listed: Any) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(listed.fields), min_size=1, max_size=6, unique=True))
    def check_some(fields: list[str]) -> None:
        check_list(listed(*fields), fields)

    check_some()
