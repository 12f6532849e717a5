from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from contacthub_project.db.gathering import gathering_connections
from tests.factories import Hub

hypothesis_settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hypothesis_settings.load_profile("default")


@pytest.fixture(autouse=True, scope="session")
def _no_proxies() -> None:
    assert settings.DATA.name == "tests", "tests must not touch the product's own data"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The test's database, which nobody may be connected to when it is dropped."""
    yield
    gathering_connections.close()


@pytest.fixture
def hub(db: None) -> Hub:
    """A workspace with two nodes and clients of all roles, in a transaction that is undone."""
    return Hub()


@pytest.fixture
def live_hub(transactional_db: None) -> Hub:
    """The same with real commits, for tests about several connections."""
    return Hub()
