"""What the guard of `tests/workspace_guard.py` takes for a statement that names one workspace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pglast import parse_plpgsql

from contacthub_project.db.sql import rendered
from customers.models import Customer
from tests import workspace_guard
from tests.factories import Hub
from tests.workspace_guard import ROOT, SWEEPS, unpinned_tables

CUSTOMER, SESSION = "customers_customer", "customers_session"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM customers_customer WHERE workspace_id = %s AND id = %s",
        "SELECT 1 FROM customers_customer AS c WHERE %(w)s::uuid = c.workspace_id",
        "SELECT 1 FROM customers_customer WHERE workspace_id IN (%s)",
        "SELECT 1 FROM customers_customer WHERE (workspace_id, id) = (%s, %s)",
        "SELECT 1 FROM customers_session s JOIN customers_customer c"
        " ON c.workspace_id = s.workspace_id AND c.id = s.customer_id WHERE c.workspace_id = %s",
        "SELECT 1 FROM customers_session JOIN customers_customer USING (workspace_id)"
        " WHERE customers_session.workspace_id = %s",
        "WITH c AS (SELECT id FROM customers_customer WHERE workspace_id = %s) SELECT id FROM c",
        "SELECT (SELECT 1 FROM customers_session s WHERE s.workspace_id = c.workspace_id LIMIT 1)"
        " FROM customers_customer c WHERE c.workspace_id = %s",
        "INSERT INTO customers_session (workspace_id, value) VALUES (%s, %s)",
        "UPDATE customers_customer SET version = 2 WHERE workspace_id = %s AND id = %s",
        "DELETE FROM customers_session AS s USING customers_customer AS c"
        " WHERE s.workspace_id = %s AND c.workspace_id = s.workspace_id",
        "SELECT 1 FROM configuration_workspace",
        "not SQL about customers_customer",
    ],
)
def test_a_statement_that_names_one_workspace(statement: str) -> None:
    assert unpinned_tables(statement) == ()


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT 1 FROM customers_customer WHERE id = %s", (CUSTOMER,)),
        ("SELECT workspace_id FROM customers_customer", (CUSTOMER,)),
        ("SELECT 1 FROM customers_customer WHERE workspace_id = ANY(%s::uuid[])", ()),
        ("SELECT 1 FROM customers_customer WHERE workspace_id IN (%s, %s)", (CUSTOMER,)),
        ("SELECT 1 FROM customers_customer WHERE workspace_id <> %s", (CUSTOMER,)),
        (
            "SELECT 1 FROM customers_session s JOIN customers_customer c ON c.id = s.customer_id"
            " WHERE s.workspace_id = %s",
            (CUSTOMER,),
        ),
        ("SELECT 1 FROM customers_session s JOIN customers_customer c"
         " ON c.workspace_id = s.workspace_id", (CUSTOMER, SESSION)),
        ("UPDATE customers_customer SET version = 2 WHERE id = %s", (CUSTOMER,)),
        ("DELETE FROM customers_session WHERE customer_id = %s", (SESSION,)),
        (
            "WITH gone AS (DELETE FROM customers_session WHERE id = %s RETURNING 1)"
            " SELECT count(*) FROM gone",
            (SESSION,),
        ),
        (
            "INSERT INTO customers_session (workspace_id, value)"
            " SELECT workspace_id, 'a' FROM customers_customer WHERE id = %s",
            (CUSTOMER,),
        ),
        ("SELECT EXISTS (SELECT FROM customers_session WHERE value = %s)", (SESSION,)),
    ],
)  # fmt: skip
def test_a_statement_that_does_not(statement: str, tables: tuple[str, ...]) -> None:
    if "ANY" in statement:
        pytest.skip("an array may have one element: not decided by the text")
    assert unpinned_tables(statement) == tables


def test_a_statement_of_the_product_is_noted_and_one_of_a_test_is_not(hub: Hub) -> None:
    hub.post_customer(externalId="one")
    assert Customer.objects.count() == 1
    assert workspace_guard.offences == []
    source = compile("fetch()", str(ROOT / "customers" / "made_up.py"), "exec")
    exec(source, {"fetch": Customer.objects.count})
    assert len(workspace_guard.offences) == 1
    assert workspace_guard.offences[0].startswith(
        "customers/made_up.py:<module> ('customers_customer',)"
    )
    workspace_guard.offences.clear()


def test_sweeps_name_functions_that_there_are() -> None:
    for place in SWEEPS:
        file, _, name = place.partition(":")
        assert f"def {name}(" in (ROOT / file).read_text(), place


def _statements(tree: Any) -> Any:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "PLpgSQL_expr":
                yield value["query"]
            else:
                yield from _statements(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _statements(each)


def functions_of_a_workspace() -> list[Path]:
    """Files of functions that are called with the workspace; triggers have that of their rows."""
    files = sorted(ROOT.glob("*/sql/functions/*.sql"))
    return [file for file in files if re.search(r"\(\s*of_workspace uuid", function_text(file))]


def function_text(file: Path) -> str:
    return rendered(str(file.relative_to(ROOT).with_suffix("")))


def test_functions_of_a_workspace_are_found() -> None:
    names = {file.stem for file in functions_of_a_workspace()}
    assert names >= {"is_awaited", "write_customers", "write_keyed_customers", "write_events"}


@pytest.mark.parametrize("file", functions_of_a_workspace(), ids=lambda file: file.stem)
def test_statements_in_functions_name_the_workspace_of_their_argument(file: Path) -> None:
    text = function_text(file)
    statements = [
        each
        for each in _statements(parse_plpgsql(text))
        if re.match(r"(?i)\s*(with|select|insert|update|delete)", each)
    ]
    for statement in statements:
        assert unpinned_tables(statement) == (), statement
