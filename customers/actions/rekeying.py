"""New matching keys for all customers of a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from configuration.domain.matching_policy import MatchingPolicy
from customers.domain.matching import match_key
from customers.models import Customer

CHUNK = 2000
MOST_COLLISIONS = 10


def rekey_node(workspace_id: UUID, node_id: UUID, policy: MatchingPolicy) -> list[list[str]]:
    """Within a transaction that keeps writers out: recognise the node's customers by `policy`.

    Customers who lack one of its values are recognised by nothing from now on. Returns groups of
    ids that would share a key (at most 10 groups of 10); then nothing has changed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("CREATE TEMPORARY TABLE rekeyed (id uuid, match_key bytea) ON COMMIT DROP")
        for page in _new_keys(workspace_id, node_id, policy):
            with cursor.copy("COPY rekeyed (id, match_key) FROM STDIN") as copy:
                for row in page:
                    copy.write_row(row)
        cursor.execute(
            "SELECT (array_agg(id::text ORDER BY id))[1:10] FROM rekeyed"
            " WHERE match_key IS NOT NULL GROUP BY match_key HAVING count(*) > 1 LIMIT %s",
            [MOST_COLLISIONS],
        )
        collisions = [ids for (ids,) in cursor.fetchall()]
        if not collisions:
            # In two steps: a new key may be what another customer's key has been.
            cursor.execute(
                "UPDATE customers_customer SET match_key = NULL"
                " WHERE workspace_id = %s AND node_id = %s AND match_key IS NOT NULL",
                [workspace_id, node_id],
            )
            cursor.execute(
                "UPDATE customers_customer SET match_key = rekeyed.match_key FROM rekeyed"
                " WHERE customers_customer.id = rekeyed.id AND rekeyed.match_key IS NOT NULL"
            )
        cursor.execute("DROP TABLE rekeyed")
    return collisions


def _new_keys(
    workspace_id: UUID, node_id: UUID, policy: MatchingPolicy
) -> Iterator[list[tuple[Any, bytes | None]]]:
    """Pages of ids and keys: a connection that copies cannot read meanwhile."""
    rows = (
        Customer.objects.in_node(workspace_id, node_id)
        .values_list("id", "external_id", "base", "extended")
        .order_by("id")
    )
    page = list(rows[:CHUNK])
    while page:
        yield [
            (
                customer_id,
                match_key(policy, {"externalId": external_id, "base": base, "extended": extended}),
            )
            for customer_id, external_id, base, extended in page
        ]
        page = list(rows.filter(id__gt=page[-1][0])[:CHUNK])
