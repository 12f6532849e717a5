"""The snapshot of rules: one version query at most a second, and never older than that."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from configuration.models import Workspace
from configuration.queries.rules import RECHECK_SECONDS, rules_of
from contacthub_project.messaging.shared_version import SharedVersion
from tests.factories import Hub


def test_hot_requests_ask_the_database_for_no_rules(hub: Hub) -> None:
    hub.post_customer()
    with CaptureQueriesContext(connection) as captured:
        for _ in range(5):
            hub.post_customer()
    # Other test processes move the generation on; looking at the version is all that may cost.
    # Inside a test's transaction each write has a savepoint.
    statements = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    others = [each for each in statements if "customers_write(" not in each]
    assert len(statements) - len(others) == 5
    assert not [statement for statement in others if "configuration_version" not in statement]


def test_a_change_on_another_machine_counts_within_a_second(hub: Hub) -> None:
    assert rules_of(hub.workspace.id).status == "ENABLED"  # type: ignore[union-attr]
    # Another machine has its own generation: only the database tells.
    Workspace.objects.filter(id=hub.workspace.id).update(
        status="SUSPENDED", configuration_version=F("configuration_version") + 1
    )
    deadline = time.monotonic() + RECHECK_SECONDS + 0.2
    while rules_of(hub.workspace.id).status != "SUSPENDED":  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_processes_of_one_machine_share_the_generation(tmp_path: Path) -> None:
    path = tmp_path / "generation"
    here = SharedVersion(path)
    before = here.current()
    code = (
        "import django, pathlib, sys; from contacthub_project.messaging.shared_version import SharedVersion;"
        "shared = SharedVersion(pathlib.Path(sys.argv[1])); [shared.advance() for _ in range(500)]"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], env=_environment())
        for _ in range(3)
    ]
    assert [other.wait() for other in others] == [0, 0, 0]
    assert here.current() == before + 1500


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "DJANGO_SETTINGS_MODULE": "contacthub_project.settings"}
