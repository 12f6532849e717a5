"""Names the author of permission changes for the audit log that database triggers write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction

from configuration.models import User
from contacthub_project.db.sql import fetch_one

ATTRIBUTE = """
SELECT set_config('contacthub.actor', %(actor)s, true),
       set_config('contacthub.workspace', %(workspace)s, true)
"""


@contextmanager
def attributed_to(person: User, *, workspace_id: UUID) -> Iterator[None]:
    """Open a transaction whose changes of roles, passwords and memberships are the person's.

    Changes outside of such a transaction, as by `manage.py`, are logged without an author.
    """
    with transaction.atomic():
        _attribute(person.id, workspace_id)
        yield
        _attribute("", "")


def _attribute(actor: Any, workspace: Any) -> None:
    fetch_one(ATTRIBUTE, {"actor": str(actor), "workspace": str(workspace)})
