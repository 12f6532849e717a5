"""Composite keys of tenant tables: in the database each begins with the workspace.

Django identifies the rows of a model by one field, `id`, and so do forms, the admin and foreign
keys. In the database the primary key is (workspace_id, id), and a foreign key is a pair of columns,
so that a row refers only to rows of its own workspace, and the tables can be distributed by
workspace. See docs/decisions/0024-keys-of-tenant-tables.md.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.models.constraints import BaseConstraint
from django.db.models.signals import post_delete

WORKSPACE = "workspace_id"


class TenantModel(models.Model):
    """A row of a workspace, identified by workspace and key.

    It never moves to another workspace.
    """

    class Meta:
        abstract = True

    def _do_update(  # type: ignore[override]
        self, base_qs: Any, using: str | None, pk_val: Any, values: Any, *rest: Any
    ) -> Any:
        found = base_qs.filter(workspace_id=_workspace_of(self))
        changed = [value for value in values if value[0].attname != WORKSPACE]
        return super()._do_update(found, using, pk_val, changed, *rest)

    def refresh_from_db(
        self, using: Any = None, fields: Any = None, from_queryset: Any = None
    ) -> None:
        """Reload the row as Django does, naming its workspace."""
        everybody: Any = type(self)._base_manager.all()
        queryset = everybody if from_queryset is None else from_queryset
        super().refresh_from_db(using, fields, queryset.filter(workspace_id=_workspace_of(self)))

    def delete(self, using: str | None = None, keep_parents: bool = False) -> Any:
        """Delete the row, naming its workspace.

        The caller has removed the rows that refer to it.
        """
        rows: Any = type(self)._base_manager.using(using)
        found = rows.filter(workspace_id=_workspace_of(self), pk=self.pk)
        count = found._raw_delete(found.db)
        post_delete.send(type(self), instance=self, using=found.db, origin=self)
        return count, {self._meta.label: count}


class _BothColumns(models.ForeignKey):
    """A foreign key between rows of one workspace; joins and look-ups use both columns.

    The database's constraint is a `TenantForeignKeyConstraint` of the model.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["db_constraint"]
        return name, path, args, kwargs

    def get_extra_restriction(self, alias: str | None, related_alias: str) -> Any:
        """Return the additional join condition; `alias` is the referred table's."""
        return None if alias is None else _SameWorkspace(alias, related_alias)

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """Return the additional condition of the look-up of the referred row."""
        return {WORKSPACE: _workspace_of(instance)}


class TenantForeignKey(_BothColumns, models.ForeignKey):
    """A foreign key to a row of the same workspace."""


class TenantOneToOneField(_BothColumns, models.OneToOneField):
    """A one-to-one reference to a row of the same workspace."""


class TenantPrimaryKey(BaseConstraint):
    """The primary key (workspace_id, key), which replaces the one that Django makes."""

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Create the key once all tables of the migration exist."""
        self._later(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(old)s,"
            " ADD CONSTRAINT %(name)s PRIMARY KEY (%(columns)s)",
            model,
            schema_editor,
            [WORKSPACE, model._meta.pk.column],
        )

    constraint_sql = create_sql

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Create Django's key again."""
        self._later(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s,"
            " ADD CONSTRAINT %(old)s PRIMARY KEY (%(columns)s)",
            model,
            schema_editor,
            [model._meta.pk.column],
        )

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the database validates it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TenantPrimaryKey) and self.name == other.name

    def _later(self, sql: str, model: Any, schema_editor: Any, columns: list[str]) -> None:
        table, quote = model._meta.db_table, schema_editor.quote_name
        schema_editor.deferred_sql.append(
            Statement(
                sql,
                table=Table(table, quote),
                name=quote(self.name),
                old=quote(f"{table}_pkey"),
                columns=Columns(table, columns, quote),
            )
        )


class TenantForeignKeyConstraint(BaseConstraint):
    """The constraint that a reference is to a row of the same workspace, or null.

    `field` is the name of the referring column, `to` the label of the model whose key it holds.
    """

    def __init__(self, *, field: str, to: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field
        self.to = to

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Create the constraint once all tables of the migration have their keys."""
        target, quote = model._meta.apps.get_model(self.to)._meta, schema_editor.quote_name
        table = model._meta.db_table
        schema_editor.deferred_sql.append(
            Statement(
                "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s"
                " FOREIGN KEY (%(columns)s) REFERENCES %(target)s (%(target_columns)s)",
                table=Table(table, quote),
                name=quote(self.name),
                columns=Columns(table, [WORKSPACE, self.field], quote),
                target=Table(target.db_table, quote),
                target_columns=Columns(target.db_table, [WORKSPACE, target.pk.column], quote),
            )
        )

    constraint_sql = create_sql

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        """Return the statement that drops the constraint."""
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {"field": self.field, "to": self.to, **kwargs}

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the database validates it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TenantForeignKeyConstraint) and (
            self.name,
            self.field,
            self.to,
        ) == (other.name, other.field, other.to)


class _SameWorkspace:
    """A join condition: both rows are of one workspace."""

    def __init__(self, *aliases: str) -> None:
        self._aliases = aliases

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        quote = compiler.quote_name_unless_alias
        one, other = (f"{quote(alias)}.{quote(WORKSPACE)}" for alias in self._aliases)
        return f"{one} = {other}", []


def _workspace_of(row: models.Model) -> Any:
    return row.workspace_id  # type: ignore[attr-defined]
