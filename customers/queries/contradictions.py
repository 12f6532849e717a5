"""Counts the customers that a change of the configuration would make invalid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from configuration.domain.conditions import AllOf, Comparison, Not, Test
from configuration.domain.customer_schema import CustomerSchema
from configuration.models import NodeType
from contacthub_project.core.date_spans import Clock
from contacthub_project.db.sql import StatementTemplate, fetch_value
from contacthub_project.db.tenant_data import Contradictions
from customers.domain.paths import as_pointer, value_at
from customers.domain.query_compiler import compile_expression
from customers.models import Customer
from customers.queries.attributes import CustomerAttributes

COUNT = StatementTemplate("customers/sql/count_customers")
PAGE = 2000


def customers_lacking(
    workspace_id: UUID, node_id: UUID, schema: CustomerSchema, paths: Sequence[str], most: int
) -> Contradictions:
    """Return the node's live customers without a value at a path, counted up to `most`."""
    attributes = CustomerAttributes(schema)
    clock = Clock(datetime.now(UTC), UTC)

    def count(lacked: Sequence[str]) -> int:
        present = [Comparison(path, schema.kind_of(path) or "", Test.PRESENT) for path in lacked]
        condition = compile_expression(Not(AllOf(tuple(present))), attributes, clock)
        statement = COUNT.compose(
            workspace_id=workspace_id, node_id=node_id, condition=condition, most=most
        )
        lacking: int = fetch_value(statement.sql, statement.parameters, prepare=False)
        return lacking

    by_path = {path: number for path in paths if (number := count([path]))}
    return Contradictions(count(paths) if by_path else 0, by_path)


def customers_against(
    workspace_id: UUID, schema: CustomerSchema, paths: Sequence[str], most: int
) -> Contradictions:
    """Return the live customers of entry nodes whose values at the paths `schema` refuses.

    Counted up to `most`. Aggregate customers are made of these.
    """
    columns = sorted({path.split(".")[0] for path in paths})
    customers = Customer.objects.in_workspace(workspace_id).live()
    customers = customers.filter(node__type=NodeType.ENTRY).order_by()
    by_path: Counter[str] = Counter()
    total = 0
    for values in customers.values_list(*columns).iterator(PAGE):
        faults = _refused(schema, dict(zip(columns, values, strict=True)), paths)
        by_path.update(faults)
        total += bool(faults)
        if total == most:
            break
    return Contradictions(total, by_path)


def _refused(
    schema: CustomerSchema, sections: Mapping[str, Any], paths: Sequence[str]
) -> list[str]:
    """Return those of the paths whose value the schema refuses."""
    present = [path for path in paths if value_at(sections, path) is not None]
    if not present:
        return []
    # Only the objects of the paths are validated; others may be invalid already.
    document: dict[str, Any] = {}
    for path in present:
        section, name, *_ = path.split(".")
        document.setdefault(section, {})[name] = sections[section][name]
    faults = schema.update_faults(schema.without_disabled(document))
    return [
        path
        for path in present
        if any(f"{fault.path}/".startswith(f"{as_pointer(path)}/") for fault in faults)
    ]
