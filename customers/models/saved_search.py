"""Saved searches of the list of customers."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacthub_project.core.identifiers import new_id
from contacthub_project.db.keys import TenantModel, TenantPrimaryKey
from contacthub_project.db.querysets import TenantQuerySet


class SavedSearchQuerySet(TenantQuerySet["SavedSearch"]):
    """Saved searches."""

    def offered_to(self, owner_id: int) -> Self:
        """Return the person's own and those shared by others, by name."""
        return self.filter(Q(owner_id=owner_id) | Q(is_shared=True)).order_by("name", "id")


class SavedSearch(TenantModel):
    """A search of the list of customers, saved under a name.

    `parameters` are those of the list's address, as a JSON object of lists of texts. They are
    stored as text, which is searched when people are forgotten.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    owner_id = models.BigIntegerField()  # a `User`; shared searches outlive them
    name = models.CharField(max_length=80)
    is_shared = models.BooleanField(default=False)
    parameters = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SavedSearchQuerySet.as_manager()

    class Meta:
        constraints = [
            TenantPrimaryKey(name="saved_search_key"),
            models.UniqueConstraint(
                fields=["workspace_id", "owner_id", "name"], name="saved_search_name"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="saved_search_named"),
        ]

    def __str__(self) -> str:
        return self.name
