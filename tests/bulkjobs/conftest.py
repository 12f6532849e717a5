from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_uploads(own_uploads: None) -> None:
    """Each test has a storage of its own."""
