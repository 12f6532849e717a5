"""Statements out of files, and what the planner is told of tables that grow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from contacthub_project.core.sql_fragments import Fragment
from contacthub_project.db import frozen_sql
from contacthub_project.db.frozen_sql import freeze, newest_copies, run_frozen
from contacthub_project.db.sql import (
    PROJECT,
    StatementTemplate,
    analyze_grown_tables,
    fetch_all,
    fetch_one,
    load,
    parameterized,
    rendered,
)

APPS = ("configuration", "customers", "events", "bulkjobs", "analytics", "segments")
CREATION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(")
# Of a function with a body in standard SQL, which is kept parsed, the text is empty.
BODIES = "SELECT proname, prosrc FROM pg_proc WHERE proname = ANY(%s)"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("SELECT :first, :second_2", "SELECT %(first)s, %(second_2)s"),
        ("SELECT :days::int[], '{}'::jsonb", "SELECT %(days)b::int[], '{}'::jsonb"),
        ("to_char(at, 'HH24:MI:SS') -- :not this", "to_char(at, 'HH24:MI:SS')"),
        ("SELECT 5 % 2, 'it''s :quoted 5%'", "SELECT 5 %% 2, 'it''s :quoted 5%%'"),
        ("SELECT list[1:2], list[:first]", "SELECT list[1:2], list[%(first)s]"),
    ],
)
def test_named_parameters_become_those_of_the_driver(written: str, taken: str) -> None:
    assert parameterized(written) == taken


def test_a_statement_of_a_file_runs(db: None) -> None:
    statement = parameterized("SELECT :number::int % 4, :text || ' 100%: it''s' -- :gone")
    assert fetch_one(statement, {"number": 7, "text": ":text"}) == (3, ":text 100%: it's")


def test_a_variable_that_nobody_gives_is_an_error() -> None:
    with pytest.raises(Exception, match="'columns' is undefined"):
        load("tests/contacthub_project/wants_columns")


@pytest.mark.parametrize("app", APPS)
def test_the_newest_copies_of_functions_are_what_their_files_give(app: str) -> None:
    """A file that is changed demands a migration with a copy of its own."""
    copies = {name: copy.read_text() for name, copy in newest_copies(app).items()}
    files = (PROJECT / app / "sql" / "functions").glob("*.sql")
    assert copies == {file.stem: rendered(f"{app}/sql/functions/{file.stem}") for file in files}


def test_a_copy_is_named_after_its_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_sql, "PROJECT", tmp_path)
    (tmp_path / "customers" / "migrations").mkdir(parents=True)
    first = freeze("customers", "0002_functions", "is_awaited")
    newer = freeze("customers", "0010_more", "is_awaited")
    assert [first.name, newer.name] == ["0002_is_awaited.sql", "0010_is_awaited.sql"]
    assert newest_copies("customers") == {"is_awaited": newer}
    assert run_frozen(str(first.parents[1] / "0002_functions.py"), "is_awaited", undo="").sql == (
        rendered("customers/sql/functions/is_awaited")
    )


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


def test_the_functions_of_the_database_are_those_of_the_files(db: None) -> None:
    files = sorted(PROJECT.glob("*/sql/functions/*.sql"))
    # An app may replace a function of an app below it, so the files of later apps stand.
    order = [app.name for app in apps.get_app_configs()]
    texts = {}
    for file in sorted(files, key=lambda file: order.index(file.parts[-4])):
        text = rendered(str(file.relative_to(PROJECT).with_suffix("")))
        found = CREATION.findall(text)
        assert found, file
        texts |= dict.fromkeys(found, text)
    installed = fetch_all(BODIES, [list(texts)])
    assert {name for name, _ in installed} == set(texts)
    for name, body in installed:
        assert body in texts[name], name


def test_a_template_puts_fragments_in_their_places_and_parameters_in_order(db: None) -> None:
    template = StatementTemplate("tests/contacthub_project/composed", column="100 % 7")
    condition = Fragment("number > %s AND '%%' <> %s::text", (2, "it's"))
    order = Fragment("number DESC")
    statement = template.compose(numbers=[1, 2, 3, 4], condition=condition, order=order, most=1)
    assert statement.parameters == ([1, 2, 3, 4], 2, "it's", 1)
    assert fetch_one(statement.sql, statement.parameters) == (4, 2, "100%")


def test_a_template_needs_all_its_parameters() -> None:
    template = StatementTemplate("tests/contacthub_project/composed", column="1")
    with pytest.raises(KeyError, match="condition"):
        template.compose(numbers=[])
