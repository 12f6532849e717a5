"""An indexed property really has an index, and loses it when it is no longer marked."""

from __future__ import annotations

from typing import Any

from django.db import connection

from customers.actions.property_indexes import _existing_indexes, reconcile
from tests.factories import Hub


def define(hub: Hub, **properties: Any) -> None:
    path = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(path, properties).status == 200


def test_indexes_follow_the_configuration(live_hub: Hub) -> None:
    note = {"type": "string", "indexed": True}
    define(live_hub, **{"it's": {"type": "string", "indexed": True}, "size": {"type": "number"},
                        "club": {"type": "object", "properties": {"note": note}}})  # fmt: skip
    live_hub.post_customer(extended={"it's": "x", "club": {"note": "y"}})
    reconcile()
    assert list(_existing_indexes().values()) == [True, True]
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM customers_customer WHERE workspace_id = %s AND node_id = %s"
            " AND deleted = 0 AND extended -> 'it''s' = '\"x\"'"
            " ORDER BY updated_at DESC LIMIT 20",
            [live_hub.workspace.id, live_hub.node.id],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert any(name in plan for name in _existing_indexes())
    reconcile()
    assert len(_existing_indexes()) == 2
    define(live_hub, **{"it's": {"type": "string"}, "size": {"type": "number"},
                        "club": {"type": "object", "properties": {"note": {"type": "string"}}}})  # fmt: skip
    reconcile()
    assert _existing_indexes() == {}


def test_a_second_reconciler_stands_back(live_hub: Hub) -> None:
    from customers.actions.property_indexes import LOCK

    define(live_hub, size={"type": "number", "indexed": True})
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        reconcile()
        assert _existing_indexes() == {}
        # Closing alone lets go of the lock some moments later.
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    finally:
        other.close()
    reconcile()
    assert len(_existing_indexes()) == 1
    define(live_hub)
    reconcile()
