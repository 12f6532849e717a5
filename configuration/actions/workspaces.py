"""Create, switch and delete workspaces."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from configuration.actions.removal import TASK
from configuration.models import Workspace, WorkspaceStatus
from configuration.queries.rules import configuration_changed
from configuration.queries.shards import shard_names
from contacthub_project.core.errors import Conflict, FieldError, Invalid
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.distribution.placement import is_distributed, worker_of, workers
from contacthub_project.messaging.enqueue import enqueue_on_commit


@transaction.atomic
def create_workspace(*, name: str, slug: str, group_pk: int, shard: str) -> Workspace:
    """Create an empty workspace.

    On a distributed database `shard` may name a worker; the workspace's id is then drawn so that it
    lies there. Raises Invalid for an unknown shard, Conflict when the slug is taken.
    """
    known = shard_names()
    if shard not in known:
        raise Invalid(errors=[FieldError("/shard", f"must be one of {', '.join(known)}", "enum")])
    workspace_id = new_id()
    if is_distributed():
        while shard in workers() and worker_of(workspace_id) != shard:
            workspace_id = new_id()
        shard = worker_of(workspace_id)
    try:
        with transaction.atomic():
            return Workspace.objects.create(
                id=workspace_id, name=name, slug=slug, group_pk=group_pk, shard=shard
            )
    except IntegrityError:
        raise Conflict(f"There is a workspace with the slug {slug} already") from None


def record_placements() -> None:
    """Have each workspace of a distributed database name the worker that it lies on."""
    for workspace in Workspace.objects.all():
        worker = worker_of(workspace.id)
        if worker != workspace.shard:
            Workspace.objects.filter(id=workspace.id).update(shard=worker)


@transaction.atomic
def set_workspace_status(workspace: Workspace, *, status: WorkspaceStatus) -> Workspace:
    """Enable, suspend (read-only) or disable a workspace."""
    workspace.status = status
    workspace.version += 1
    workspace.save(update_fields=["status", "version"])
    configuration_changed(workspace.id)
    return workspace


def demand_second_factor(workspace: Workspace, *, demanded: bool) -> None:
    """Set whether people who work in a workspace must have a second factor.

    Applies from their next request of a page or a token on.
    """
    workspace.demands_second_factor = demanded
    workspace.save(update_fields=["demands_second_factor"])


@transaction.atomic
def delete_workspace(workspace: Workspace) -> None:
    """Make a workspace unreachable; a task removes its data in batches."""
    workspace.removed_at = timezone.now()
    workspace.save(update_fields=["removed_at"])
    configuration_changed(workspace.id)
    enqueue_on_commit(TASK)
