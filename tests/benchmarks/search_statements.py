"""The statements of our searches, their parameters filled in: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import sys
from typing import Any
from uuid import UUID


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "contacthub_project.settings"
    import django

    django.setup()
    from django.db import connection
    from psycopg import ClientCursor

    from configuration.queries.rules import latest_rules_of
    from contacthub_project.api.pagination import Page
    from contacthub_project.api.query import SortKey
    from customers.queries.search import (
        NEWEST_FIRST,
        Search,
        parse_search_query,
        search_customers,
    )

    given = json.load(sys.stdin)
    workspace = latest_rules_of(UUID(given["facts"]["workspaceId"]))
    assert workspace is not None
    node = workspace.nodes[UUID(given["facts"]["nodeIds"][0])]
    caught: list[str] = []

    def capture(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        caught.append(ClientCursor(connection.connection).mogrify(sql, params))
        return execute(sql, params, many, context)

    statements = {}
    for name, parameters in given["searches"].items():
        query = None
        if "query" in parameters:
            query, faults = parse_search_query(json.loads(parameters["query"]), workspace)
            assert not faults, faults
        sort = (SortKey(parameters["sort"], False),) if "sort" in parameters else NEWEST_FIRST
        with connection.execute_wrapper(capture):
            page = Page(parameters.get("page", 0), 20)
            search_customers(workspace, node, Search(None, query, sort, page))
        # The page and its count, then how many there are in all.
        statements[name] = ";".join(caught)
        caught.clear()
    json.dump(statements, sys.stdout)


if __name__ == "__main__":
    main()
