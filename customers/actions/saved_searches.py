"""Saves and removes searches of the list of customers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from contacthub_project.core.errors import Conflict
from customers.models import SavedSearch

MOST = 100  # for a person in a workspace


def save_search(
    *,
    workspace_id: UUID,
    owner_id: int,
    name: str,
    is_shared: bool,
    parameters: Mapping[str, Sequence[str]],
) -> SavedSearch:
    """Save a search; one of the same name is replaced.

    Raises Conflict when the person has too many.
    """
    own = SavedSearch.objects.in_workspace(workspace_id).filter(owner_id=owner_id)
    with transaction.atomic():
        if not own.filter(name=name).exists() and own.count() >= MOST:
            raise Conflict(f"you keep {MOST} searches already")
        (saved,) = SavedSearch.objects.bulk_create(
            [
                SavedSearch(
                    workspace_id=workspace_id,
                    owner_id=owner_id,
                    name=name,
                    is_shared=is_shared,
                    parameters=json.dumps(parameters, ensure_ascii=False),
                )
            ],
            update_conflicts=True,
            unique_fields=["workspace_id", "owner_id", "name"],
            update_fields=["is_shared", "parameters"],
        )
    return saved


def remove_search(*, workspace_id: UUID, search_id: UUID, owner_id: int, any_owner: bool) -> bool:
    """Remove a search; return whether it existed.

    `any_owner`: also one that somebody else has shared.
    """
    found = SavedSearch.objects.in_workspace(workspace_id).filter(id=search_id)
    found = found.offered_to(owner_id) if any_owner else found.filter(owner_id=owner_id)
    return bool(found.delete()[0])
