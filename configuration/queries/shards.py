"""Where the data of workspaces can be placed."""

from __future__ import annotations

from django.conf import settings

from contacthub_project.db.distribution.placement import is_distributed, workers


def shard_names() -> list[str]:
    """Return the names of placements: of a distributed database also its workers."""
    names: list[str] = list(settings.SHARDS)
    return [*names, *workers()] if is_distributed() else names
