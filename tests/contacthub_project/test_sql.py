"""What the planner is told of tables that grow."""

from __future__ import annotations

from django.db import connection

from contacthub_project.db.sql import analyze_grown_tables, fetch_one


def test_a_table_that_has_doubled_is_looked_at_again(db: None) -> None:
    def known() -> float:
        return fetch_one("SELECT reltuples FROM pg_class WHERE relname = 'growing'", [])[0]

    def fill(first: int, last: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO growing SELECT n, repeat('x', 1000) FROM generate_series(%s::int, %s::int) AS n",
                [first, last],
            )

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE growing (id bigint PRIMARY KEY, text text)")
    fill(1, 500)
    analyze_grown_tables("growing")
    assert known() == -1, "so little needs no plan"
    fill(501, 4000)
    analyze_grown_tables("growing")
    assert known() == 4000
    fill(4001, 5000)
    analyze_grown_tables("growing")
    assert known() == 4000, "not each time"
    fill(5001, 9000)
    analyze_grown_tables("growing", "customers_customer")
    assert known() == 9000
