"""Tests that `./test --citus` leaves out, each with its reason; all others are to pass there."""

from __future__ import annotations

PLAN = "looks into the query plan of one database"
LOCK = "holds rows by a statement of its own, which a cluster refuses"

EXCEPTIONS = {
    "tests/customers/test_external_ids.py::test_look_ups_are_by_index": PLAN,
    "tests/customers/test_external_ids.py::test_owners_of_events_are_looked_up_by_index": PLAN,
    "tests/events/test_behaviours.py::test_events_are_gone_through_once_not_for_each_customer": PLAN,
    "tests/events/test_search.py::test_time_lines_and_lists_are_index_scans": PLAN,
    "tests/events/test_write_sets.py::test_who_is_about_to_go_is_waited_for_only_if_that_may_be": LOCK,
}
