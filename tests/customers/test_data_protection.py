from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.db import connection

from customers.models import Change, ConsentLogEntry, Customer
from tests.factories import Hub

PERSON = {
    "externalId": "client-4711",
    "extra": "allergic to Zanzibar nuts",
    "base": {
        "firstName": "Zebedee", "lastName": "Quillfeather", "dob": "1971-02-03",
        "contacts": {"email": "Zebedee@quillfeather.example", "mobilePhone": "+39055123456"},
        "subscriptions": [{"id": "zebra-news", "subscribed": True}],
    },
    "tags": {"manual": ["zebra-rider"]},
    "consents": {"disclaimer": {"version": "zebra-terms"}, "profiling": {"online": {"status": True}}},
}  # fmt: skip
TRACES = ("zebedee", "quillfeather", "client-4711", "zanzibar", "055123456", "zebra", "1971-02-03")


def dump() -> str:
    """Every row of every table, as text."""
    rows = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT row_to_json(each)::text FROM {table} AS each")
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows).lower()


def forget(hub: Hub, customer: Any) -> int:
    path = f"{hub.path}/data-protection/customers/{customer['id']}"
    return hub.clients["DPO"].delete(path).status


def test_nothing_of_a_forgotten_person_remains(hub: Hub) -> None:
    customer = hub.post_customer(**PERSON)
    path = f"{hub.path}/customers/{customer['id']}"
    hub.trusted.post(f"{path}/sessions", {"value": "zebra-session"})
    assert all(trace in dump() for trace in TRACES)
    assert forget(hub, customer) == 204
    kept = dump()
    assert not [trace for trace in TRACES if trace in kept]
    tombstone = Customer.objects.get(id=customer["id"])
    assert (tombstone.deleted, tombstone.version, tombstone.enabled) == (-1, 2, False)
    assert hub.trusted.get(path).status == 404
    assert list(Change.objects.order_by("id").values_list("operation", flat=True)) == [
        "CREATE",
        "DELETE",
    ]
    assert forget(hub, customer) == 404


def test_the_log_of_the_forgotten_is_found_by_who_they_were(hub: Hub) -> None:
    customer = hub.post_customer(**PERSON)
    forget(hub, customer)
    key = json.dumps({"base": {"contacts": {"email": "zebedee@Quillfeather.example"}}})
    found = hub.clients["DPO"].get(f"{hub.path}/consent-logs", query={"uniqueKey": key})
    assert [(each["type"], each["value"]) for each in found["elements"]] == [
        ("FORCED_DELETE", None), ("CONSENT_CHANGED", "true"), ("DISCLAIMER_READ", None),
    ]  # fmt: skip


def test_who_was_deleted_can_still_be_forgotten(hub: Hub) -> None:
    customer = hub.post_customer(**PERSON)
    hub.trusted.delete(f"{hub.path}/customers/{customer['id']}")
    assert "quillfeather" in dump()
    assert forget(hub, customer) == 204
    assert "quillfeather" not in dump()
    assert Change.objects.count() == 2  # created and deleted; forgetting tells nothing new
    again = hub.post_customer(**PERSON)
    assert again.status == 201
    assert again["id"] != customer["id"]


def test_an_export_holds_everything_and_is_logged(hub: Hub) -> None:
    customer = hub.post_customer(**PERSON)
    path = f"{hub.path}/customers/{customer['id']}"
    session = hub.trusted.post(f"{path}/sessions", {"value": "s"})
    exporting = f"{hub.path}/data-protection/customers/{customer['id']}/export"
    answer = hub.clients["DPO"].get(exporting)
    assert answer.status == 200
    assert answer["customer"] == hub.trusted.get(path).json
    assert answer["sessions"] == [session.json]
    logged = [each["type"] for each in answer["consentLogs"]]
    assert logged == ["DISCLAIMER_READ", "CONSENT_CHANGED", "DATA_PORTABILITY_REQUESTED"]
    assert "attachment" in answer.headers["Content-Disposition"]
    entry = ConsentLogEntry.objects.latest("id")
    assert (entry.type, entry.value) == ("DATA_PORTABILITY_REQUESTED", None)
    hub.trusted.delete(path)
    assert hub.clients["DPO"].get(exporting).status == 404


def test_nobody_is_forgotten_by_halves() -> None:
    """Every table that could hold personal data is known to those who forget."""
    tables = {model._meta.db_table for model in apps.get_models()}
    holding = {name for name in tables if name.startswith(("customers_", "events_", "bulkjobs_"))}
    assert holding == {
        "customers_aggregatebuild", "customers_aggregatemember", "customers_change",
        "customers_feed", "customers_pendingmerge", "customers_consentlogentry",
        "customers_customer", "customers_session", "events_event",
        "customers_newkey",  # hashes, kept while their node is locked
        "events_droppedevents",  # counts by reason, nothing of a person
        "customers_deletedsession", "events_deletedevent",
        "customers_aggregatepin", "customers_recordmerge", "customers_mergedcustomer", "customers_formeridentity",
        "events_mergedevent",  # ids
        "customers_blockingkey", "customers_duplicatepair", "customers_valuechange",
        "customers_matchingkey",  # hashes, which go
        "customers_duplicatesearch",  # how far it is
        "customers_suppressedvalue",  # keyed hashes
        "customers_erasurereceipt",  # counts and ids
        "events_product", "events_purgerun", "bulkjobs_bulkjob", "bulkjobs_result",
        "bulkjobs_forgottenidentity",  # digests, until their job has ended
        "customers_customerabsence",  # ids and times
        "customers_refusalcount",  # counts by reason
        "customers_quarantinedrequest",
        "customers_datasubjectrequest",  # words about the person, which go
        "customers_savedsearch",  # those that quote the person go
        "customers_webhook",  # what is told stands in the feed
        "customers_webhookattempt",  # beginnings of receivers' answers, blanked
        "bulkjobs_exportjob",  # whose files go when somebody is forgotten
    }  # fmt: skip
