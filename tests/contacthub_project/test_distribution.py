"""The SQL that `manage.py distribute` generates, and what it says where there is no cluster.

Against a cluster the whole suite runs by `./test --citus`.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contacthub_project.db.distribution import catalogue
from contacthub_project.db.distribution.distributing import plain_functions
from contacthub_project.db.distribution.functions import (
    MARK,
    Function,
    Names,
    dispatcher,
    is_generated,
    maker,
    trigger_function,
)
from contacthub_project.db.distribution.tables import (
    ANCHOR,
    LOCAL,
    REFERENCE,
    references,
    tenant_tables,
)

TABLES = ["customers_customer", "customers_change"]
NAMES = Names(TABLES, ["customers_note"])


def function(name: str, body: str, *, arguments: Any = (), result: str = "trigger") -> Function:
    given = ", ".join(f"{each} {kind}" for each, kind in arguments)
    definition = f"CREATE FUNCTION {name}({given}) RETURNS {result} AS $function${body}$function$"
    return Function(name, arguments, result, body, definition)


def is_on_a_cluster() -> bool:
    return catalogue.extension_version() is not None


def test_a_trigger_runs_its_statements_on_the_shards_of_the_rows() -> None:
    body = """
    BEGIN
        -- Nothing; to do.
        IF NOT EXISTS (SELECT FROM came) THEN RETURN NULL; END IF;
        INSERT INTO customers_change (entity) SELECT 'a;b' || '%' FROM came;
        PERFORM customers_note(array_agg(came)) FROM came;
        RETURN NULL;
    END"""
    made = trigger_function(function("customers_came", body), NAMES, new="came", old=None)
    assert MARK in made
    assert "SELECT workspace_id INTO its_workspace FROM came LIMIT 1" in made
    assert "IF NOT EXISTS (SELECT FROM came) THEN RETURN NULL;\nEND IF;" in made
    assert (
        "EXECUTE format($distributed$INSERT INTO %1$s (entity) SELECT 'a;b' || '%%' FROM came"
        "$distributed$, distribution_table('customers_change', its_workspace)) ;"
    ) in made
    assert "$distributed$SELECT %1$s(array_agg(came)) FROM came$distributed$" in made
    assert "distribution_function('customers_note', its_workspace)" in made
    assert "Nothing; to do" not in made


def test_a_condition_on_tables_is_evaluated_on_the_shards() -> None:
    body = "BEGIN IF NOT EXISTS (SELECT FROM customers_change) THEN RETURN NULL; END IF; END"
    made = trigger_function(function("f", body), NAMES, new=None, old="went")
    assert "$distributed$SELECT  NOT EXISTS (SELECT FROM %1$s) $distributed$" in made
    assert "INTO its_answer;\nIF its_answer THEN RETURN NULL;" in made


def test_a_trigger_of_rows_hands_over_the_row() -> None:
    body = "BEGIN INSERT INTO customers_change SELECT OLD.id, NEW.id; RETURN NULL; END"
    made = trigger_function(function("f", body), NAMES, new=None, old=None)
    assert "its_workspace := OLD.workspace_id;" in made
    assert "SELECT ($1).id, ($2).id$distributed$" in made
    assert "USING OLD, NEW;" in made


def test_a_set_function_is_called_on_its_shard_and_made_there_from_a_template() -> None:
    arguments = [("of_workspace", "uuid"), ("rows", "json")]
    one = function(
        "customers_note", "BEGIN UPDATE customers_change SET a = '5%'; END",
        arguments=arguments, result="TABLE(a int)",
    )  # fmt: skip
    made = dispatcher(one)
    assert "customers_note(of_workspace uuid, rows json)\nRETURNS TABLE(a int)" in made
    assert "RETURN QUERY EXECUTE format('SELECT * FROM %I($1, $2)'" in made
    assert "USING of_workspace, rows" in made
    source = maker([one], NAMES)
    assert "CREATE FUNCTION %2$I(of_workspace uuid" in source
    assert "UPDATE %1$s SET a = '5%%'" in source
    assert "distribution_table('customers_change', its_workspace), its_name" in source
    scalar = dispatcher(function("f", "", arguments=arguments, result="boolean"))
    assert "INTO its_answer" in scalar
    assert "RETURN its_answer" in scalar


def test_names_are_found_as_whole_words_only() -> None:
    assert NAMES.used_in("nextval('customers_change_id_seq') FROM customers_changes") == []
    assert NAMES.used_in("-- customers_change\nFROM customers_customer") == ["customers_customer"]


def test_every_function_of_the_product_can_be_generated(db: None) -> None:
    """From the catalogue, as `distribute` does; PostgreSQL itself reads the result."""
    tables = tenant_tables()
    of_triggers, others = catalogue.functions()
    triggers = [each for each in catalogue.triggers(tables) if not each.is_before]
    on_shards = [each for each in others.values() if Names(tables).used_in(each.definition)]
    if is_on_a_cluster():
        assert plain_functions(tables) == []
        return
    names = Names(tables, [each.name for each in on_shards])
    assert {"customers_write", "events_write"} <= set(names.functions)
    generated = [maker(on_shards, names)]
    generated += [dispatcher(each) for each in on_shards if each.is_of_workspace]
    for one in of_triggers.values():
        mine = [each for each in triggers if each.function == one.name]
        if mine:
            new = next((each.new for each in mine if each.new), None)
            old = next((each.old for each in mine if each.old), None)
            generated.append(trigger_function(one, names, new=new, old=old))
    assert len(generated) > 15
    assert set(plain_functions(tables)) >= {"customers_write", "events_came"}
    with connection.cursor() as cursor:
        for statement in generated:
            cursor.execute(statement)
    of_triggers, others = catalogue.functions()
    left = [each for each in of_triggers.values() if any(t.function == each.name for t in triggers)]
    assert all(is_generated(each) for each in left)
    for each in left:
        static = re.sub(r"\$distributed\$.*?\$distributed\$", "", each.body, flags=re.DOTALL)
        static = re.sub(r"'[^']*'", "", static)
        assert Names(tables).used_in(static) == [], each.name
    assert plain_functions(tables) == []


def test_tenant_tables_begin_with_the_anchor_and_have_no_table_of_everybody(db: None) -> None:
    tables = tenant_tables()
    assert tables[0] == ANCHOR
    assert len(tables) == len(set(tables)) > 20
    assert not {*LOCAL, *REFERENCE} & set(tables)
    assert {(key.table, key.to) for key in references()} >= {
        ("customers_session", "customers_customer"),
        ("bulkjobs_result", "bulkjobs_bulkjob"),
    }
    assert all({key.table, key.to} <= set(tables) for key in references())


def test_triggers_are_the_same_after_they_were_put_aside(db: None) -> None:
    """They must not fire for rows that are copied to workers."""
    if is_on_a_cluster():
        pytest.skip("a cluster creates triggers with the shards")
    before = catalogue.trigger_definitions(ANCHOR)
    assert len(before) >= 6
    with connection.cursor() as cursor:
        for name, _ in before:
            cursor.execute(f'DROP TRIGGER "{name}" ON {ANCHOR}')
        assert catalogue.trigger_definitions(ANCHOR) == []
        for _, definition in before:
            cursor.execute(definition)
    after = catalogue.trigger_definitions(ANCHOR)
    # PostgreSQL leaves out parentheses of conditions that it has read again.
    assert [(name, re.sub(r"[()]", "", text)) for name, text in after] == [
        (name, re.sub(r"[()]", "", text)) for name, text in before
    ]


def test_a_sequence_that_began_again_is_found_and_goes_on(db: None) -> None:
    assert catalogue.late_sequences(tenant_tables()) == []
    sequence = "public.django_content_type_id_seq"
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM django_content_type")
        (largest,) = cursor.fetchone()
        cursor.execute(f"SELECT setval('{sequence}', 1)")
        assert catalogue.late_sequences(tenant_tables()) == [
            catalogue.LateSequence(sequence, largest)
        ]
        cursor.execute(f"SELECT setval('{sequence}', {largest})")
    assert catalogue.late_sequences(tenant_tables()) == []


def test_a_database_without_the_extension_is_reported_in_a_sentence(db: None) -> None:
    if is_on_a_cluster():
        pytest.skip("this database has the extension")
    for arguments in ([], ["--check"]):
        with pytest.raises(CommandError, match="has no Citus") as refused:
            call_command("distribute", *arguments)
        assert refused.value.returncode == 2
