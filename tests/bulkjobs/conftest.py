from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_uploads(uploads_folder: None) -> None:
    """Each test has a storage of its own."""
