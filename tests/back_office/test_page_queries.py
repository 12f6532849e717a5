"""Every page takes a bounded number of queries, which does not grow with what it shows.

`page_queries.json` has the most for each page. `PAGE_QUERIES=1` writes what is measured there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.analytics.test_answers import post_event
from tests.back_office.examples import make_example, make_registers
from tests.back_office.office import Staff
from tests.factories import Hub

BASELINE = Path(__file__).with_name("page_queries.json")
OURS = [
    "dashboard", "customers", "new-customer", "duplicates", "events", "new-event",
    "workspace-settings", "properties", "event-settings", "retention",
    "operations", "data-quality", "privacy", "segment-overlap",
]  # fmt: skip
OF_A_CUSTOMER = ["customer", "edit-customer", "customer-events", "identity"]
# Pages of one thing of the example, by the parts of their addresses.
OF_ONE = {
    "event": "event_id", "edit-event": "event_id", "node": "node_id", "matching-rules": "node_id",
    "aggregate-node": "aggregate_id", "aggregate-preview": "aggregate_id", "merge-customers": "customer_id other_id",
    "undo-merge": "merge_id", "undo-change": "customer_id", "privacy-person": "customer_id",
    "privacy-erase": "customer_id",
}  # fmt: skip
LISTS = [
    "configuration_source", "configuration_staffchange", "configuration_node", "configuration_user", "customers_consentlogentry",
    "bulkjobs_bulkjob", "bulkjobs_exportjob", "segments_segment", "customers_webhook",
    "customers_quarantinedrequest", "events_product", "customers_erasurereceipt",
    "customers_datasubjectrequest", "customers_suppressedvalue", "customers_deletedcustomer",
    "configuration_workspace", "configuration_apiclient",
]  # fmt: skip
REGISTERS = [
    "events_purgerun", "customers_aggregatebuild", "customers_webhookattempt",
    "configuration_senduserdatabase",
]  # fmt: skip
ROWS = 15
# Of rules and tokens, which every process reads anew after a while. Fewer than ROWS.
LOOKED_UP_AGAIN = 5


def fill(hub: Hub, person: str) -> None:
    """Add rows of everything that pages show."""
    for number in range(ROWS):
        consents = {"profiling": {"online": {"status": number % 2 == 0}}}
        lines = [{"id": f"product{number}", "name": "Glass"}]
        hub.post_customer(consents=consents, tags={"manual": [f"tag{number}"]})
        post_event(
            hub, person, "completedOrder", "WEB", f"2026-01-01T00:00:{number:02d}Z",
            orderId=str(number), amount={"total": 3}, products=lines,
        )  # fmt: skip
        hub.trusted.post(f"{hub.path}/events", {"type": "nonsense"})
        hub.trusted.post(f"{hub.path}/customers/{person}/sessions", {"value": f"session{number}"})


@pytest.mark.parametrize("name", [*OURS, *OF_A_CUSTOMER, *LISTS])
def test_queries_are_bounded(hub: Hub, name: str) -> None:
    person = hub.post_customer(base={"firstName": "Ada", "contacts": {"email": "ada@x.it"}})["id"]
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    parts = {"customer_id": person} if name in OF_A_CUSTOMER else {}

    def measured() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            if name in LISTS:
                page = staff.open_admin(f"{name}_changelist")
            else:
                page = staff.open(name, **parts)
        assert page.status == 200
        return len(queries)

    fill(hub, person)
    measured()  # what is looked up once and kept
    few = measured()
    fill(hub, person)
    many = measured()
    assert many <= few + LOOKED_UP_AGAIN, "the number grows with the rows"
    known: dict[str, Any] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if os.environ.get("PAGE_QUERIES"):
        BASELINE.write_text(json.dumps(known | {name: many}, indent=1, sort_keys=True) + "\n")
    else:
        assert many <= known[name] + LOOKED_UP_AGAIN


@pytest.mark.parametrize("name", REGISTERS)
def test_queries_of_registers_do_not_grow_with_their_rows(hub: Hub, name: str) -> None:
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")

    def measured() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.open_admin(f"{name}_changelist").status == 200
        return len(queries)

    make_registers(hub, 2)
    measured()
    few = measured()
    make_registers(hub, ROWS)
    assert measured() <= few + LOOKED_UP_AGAIN


def test_queries_of_a_page_of_one_thing_are_bounded(hub: Hub) -> None:
    example = make_example(hub)
    parts = example.parts | {"node_id": hub.node.id, "aggregate_id": example.aggregate}
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    known: dict[str, Any] = json.loads(BASELINE.read_text())
    for name, of in OF_ONE.items():
        kwargs = {each.replace("aggregate_id", "node_id"): parts[each] for each in of.split()}
        query = {"version": "2"} if name == "undo-change" else {}
        staff.open(name, query, **kwargs)  # what is looked up once and kept
        with CaptureQueriesContext(connection) as queries:
            assert staff.open(name, query, **kwargs).status == 200, name
        if os.environ.get("PAGE_QUERIES"):
            known[name] = len(queries)
            BASELINE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        else:
            assert len(queries) <= known[name] + LOOKED_UP_AGAIN, name
