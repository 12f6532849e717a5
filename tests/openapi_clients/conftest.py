from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document as a JSON file."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    call_command("spectacular", format="openapi-json", file=str(file))
    return file
