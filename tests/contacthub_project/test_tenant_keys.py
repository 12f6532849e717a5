"""Keys of tenant tables begin with the workspace, in the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.distribution import catalogue
from contacthub_project.db.distribution.tables import LOCAL, REFERENCE
from contacthub_project.db.distribution.tables import tenant_tables as tables_of_models
from contacthub_project.db.keys import TenantForeignKeyConstraint, TenantModel
from customers.models import Session
from tests.factories import Hub, make_workspace

KEYS = """
SELECT conrelid::regclass::text, conname, contype, ARRAY(
    SELECT attname FROM unnest(conkey) WITH ORDINALITY AS part (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = part.number ORDER BY place
)
FROM pg_constraint WHERE contype IN ('p', 'u', 'f') AND connamespace = 'public'::regnamespace
UNION ALL
SELECT indrelid::regclass::text, indexrelid::regclass::text, 'i', ARRAY(
    SELECT attname FROM unnest(indkey) WITH ORDINALITY AS part (number, place)
    JOIN pg_attribute ON attrelid = indrelid AND attnum = part.number ORDER BY place
)
FROM pg_index WHERE indisunique AND indrelid::regclass::text !~ '^pg_'
"""
WITH_WORKSPACE = """
SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attname = 'workspace_id' AND relkind IN ('r', 'p') AND NOT attisdropped
  AND relnamespace = 'public'::regnamespace
"""

OF_THE_INSTALLATION = {"analytics_failedtask"}


def is_on_a_cluster() -> bool:
    return catalogue.extension_version() is not None


def rows(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def tenant_tables() -> set[str]:
    return {table for (table,) in rows(WITH_WORKSPACE)} - set(LOCAL)


def test_tables_are_of_a_workspace_or_named_as_everybodys(db: None) -> None:
    assert tenant_tables() == set(tables_of_models())
    assert set(LOCAL) < {table for (table,) in rows(WITH_WORKSPACE)}
    assert not set(REFERENCE) & tenant_tables()


def test_every_key_of_a_tenant_table_begins_with_the_workspace(db: None) -> None:
    tenant = tenant_tables()
    assert {"customers_customer", "events_event", "bulkjobs_result", "configuration_node"} <= tenant
    keys = [key for key in rows(KEYS) if key[0] in tenant]
    assert len(keys) > 60
    assert [key for key in keys if key[3][:1] != ["workspace_id"]] == []


def test_every_table_of_an_app_with_data_of_workspaces_names_them(db: None) -> None:
    """So that a table without the column is not overlooked."""
    of_apps = {
        model._meta.db_table
        for label in ("customers", "events", "bulkjobs", "analytics")
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }
    assert of_apps - OF_THE_INSTALLATION <= tenant_tables()


def test_every_reference_between_tenant_rows_is_held_by_the_database(db: None) -> None:
    held = {(table, columns[-1]) for table, _, kind, columns in rows(KEYS) if kind == "f"}
    tenant = tenant_tables()
    referring = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and (field.related_model._meta.db_table in tenant)  # type: ignore[union-attr]
    }
    assert len(referring) > 10
    assert referring <= held


def test_models_of_tenant_tables_name_the_workspace_when_they_are_saved(db: None) -> None:
    tenant = tenant_tables()
    for model in apps.get_models():
        key = model._meta.pk
        if (
            model._meta.db_table in tenant
            and key is not None
            and key.column not in (None, "workspace_id")
        ):
            assert issubclass(model, TenantModel), model


def test_a_row_is_saved_deleted_and_reloaded_by_workspace_and_id(hub: Hub) -> None:
    customer = hub.post_customer(externalId="one")
    session = Session(
        workspace_id=hub.workspace.id, node_id=hub.node.id, customer_id=customer["id"], value="a"
    )
    session.save()
    statements: list[str] = []

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        session.value = "b"
        session.save()
        session.refresh_from_db()
        assert str(session.customer.id) == customer["id"]
        found = Session.objects.select_related("customer__node").get(
            workspace_id=hub.workspace.id, id=session.id
        )
        assert found.customer.node == hub.node
        session.delete()
    assert len(statements) == 5
    assert all("workspace_id" in each.partition("WHERE")[2] for each in statements)
    joins = statements[3]
    assert joins.count('"workspace_id" = ') >= 3
    assert not Session.objects.exists()


def test_an_id_of_another_workspace_finds_nothing(hub: Hub) -> None:
    customer = hub.post_customer(externalId="one")
    values = {"node_id": hub.node.id, "customer_id": customer["id"], "value": "a"}
    session = Session.objects.create(workspace_id=hub.workspace.id, **values)
    session.workspace_id = make_workspace().id
    session.value = "b"
    with pytest.raises(DatabaseError), transaction.atomic():
        session.save(update_fields=["value"])
    assert Session.objects.get().value == "a"


def test_a_reference_into_another_workspace_is_refused(hub: Hub) -> None:
    customer = hub.post_customer(externalId="one")
    other = make_workspace()
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.create(
            workspace_id=other.id, node_id=new_id(), customer_id=customer["id"], value="a"
        )


def test_a_constraint_is_the_same_when_it_is_read_from_a_migration() -> None:
    one = TenantForeignKeyConstraint(field="customer_id", to="customers.Customer", name="one")
    _, args, kwargs = one.deconstruct()
    assert TenantForeignKeyConstraint(*args, **kwargs) == one
    assert one != TenantForeignKeyConstraint(**kwargs | {"field": "entry_id"})
