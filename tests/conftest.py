from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from contacthub_project.db.gathering import gathering_connections
from tests import workspace_guard
from tests.cluster_exceptions import EXCEPTIONS
from tests.factories import Hub

workspace_guard.watch()
hypothesis_settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("default")


# Modules that take longest, most of them with few tests: begun first (`--no-loadscope-reorder`), so that
# no process is left alone with one at the end.
LONGEST = (
    "back_office/test_accessibility.py", "upgrades/test_releases.py", "test_full_disk.py",
    "soak/test_short_run.py", "back_office/test_content_security_policy.py",
    "contacthub_project/test_schema_version.py", "contacthub_project/test_slow_clients.py",
    "test_run.py", "openapi_clients/test_generator.py", "customers/test_feed_order.py",
    "contract/test_stateful.py", "contacthub_project/test_overload.py", "test_nginx.py",
    "customers/test_merge_storm.py", "bulkjobs/test_soak.py", "customers/test_webhook_faults.py",
)  # fmt: skip


def _order(item: pytest.Item) -> int:
    """Return the place of the item's module among the longest, the same for all others."""
    module = item.nodeid.partition("::")[0].removeprefix("tests/")
    return LONGEST.index(module) if module in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_order)
    if "TEST_DATABASE_NAME" in os.environ:  # ./test --citus
        for item in items:
            if item.nodeid in EXCEPTIONS:
                item.add_marker(pytest.mark.skip(reason=EXCEPTIONS[item.nodeid]))


@pytest.fixture(autouse=True, scope="session")
def _no_proxies() -> None:
    assert settings.DATA.name == "tests", "tests must not touch the product's own data"


@pytest.fixture(autouse=True)
def _every_statement_names_its_workspace() -> Iterator[None]:
    """Statements on tenant tables name one workspace, or come from a sweep that has a name."""
    workspace_guard.offences.clear()
    yield
    assert not workspace_guard.offences, "\n\n".join(sorted(set(workspace_guard.offences)))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test's database, which nobody may be connected to when it is dropped."""
    yield
    from contacthub_project.web import work  # makes its pools by the settings of the test

    gathering_connections.close()
    for resources in work._resources.values():
        resources.connections.close_idle()


@pytest.fixture
def hub(db: None) -> Hub:
    """A workspace with two nodes and clients of all roles, in a transaction that is undone."""
    return Hub()


@pytest.fixture
def live_hub(transactional_db: None) -> Hub:
    """The same with real commits, for tests about several connections."""
    return Hub()


@pytest.fixture
def uploads_folder(settings: Any, tmp_path: Path) -> None:
    """An empty storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "bulk-jobs").mkdir()
