"""Which class of work each operation belongs to."""

from __future__ import annotations

from collections import defaultdict

import pytest

from contacthub_project.api.operations import contract
from contacthub_project.core.work_class import WorkClass

OPERATIONS = {each.id: each for methods in contract().values() for each in methods.values()}


@pytest.mark.parametrize(
    ("operation", "work_class"),
    [
        ("get_customer", WorkClass.READ), ("get_event", WorkClass.READ),
        ("create_customer", WorkClass.WRITE), ("patch_customer", WorkClass.WRITE),
        ("create_events", WorkClass.WRITE), ("forget_customer", WorkClass.WRITE),
        ("list_customers", WorkClass.SEARCH), ("list_events", WorkClass.SEARCH),
        ("list_updates", WorkClass.SEARCH), ("get_workspace_stats", WorkClass.STATS),
        ("get_customer_buying_behaviors", WorkClass.STATS), ("export_node", WorkClass.EXPORT),
        ("export_customer", WorkClass.EXPORT), ("export_segment", WorkClass.EXPORT), ("get_bulk_job_results", WorkClass.EXPORT),
        ("create_bulk_job", WorkClass.UPLOAD), ("get_health", WorkClass.HEALTH),
        ("get_current_user", WorkClass.CONFIGURATION), ("list_nodes", WorkClass.CONFIGURATION),
    ],
)  # fmt: skip
def test_the_class_of_an_operation(operation: str, work_class: WorkClass) -> None:
    assert OPERATIONS[operation].work_class is work_class


def test_every_operation_has_one_and_tenants_data_is_no_configuration() -> None:
    by_class = defaultdict(set)
    for operation in OPERATIONS.values():
        by_class[operation.work_class].add(operation.tag)
    assert {"Customers", "Events", "Updates"}.isdisjoint(by_class[WorkClass.CONFIGURATION])
    assert set(by_class) == set(WorkClass) - {WorkClass.PAGES}
