"""How a workspace's configuration is changed: one after the other, and seen by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from configuration.models import Workspace
from configuration.queries.rules import configuration_changed
from contacthub_project.core.errors import NotFound, Stale


@contextmanager
def changing(workspace_id: UUID, expected_version: int | None) -> Iterator[Workspace]:
    """A transaction that holds the workspace's row and ends by raising its configuration version.

    `expected_version` is the configuration version the caller has read, None for any. Raises Stale
    when somebody else has changed the configuration since.
    """
    with transaction.atomic():
        locked = Workspace.objects.present().select_for_update(no_key=True)
        workspace = locked.filter(id=workspace_id).first()
        if workspace is None:
            raise NotFound(f"workspace not found: {workspace_id}")
        if expected_version is not None and expected_version != workspace.configuration_version:
            raise Stale
        yield workspace
        configuration_changed(workspace_id)
