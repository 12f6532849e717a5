"""People and their tokens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, set_token_value

from configuration.models import Node, NodeGrant, User
from contacthub_project.errors import Invalid, unknown_references


def issue_access_token(user: User, *, lasting: timedelta) -> str:
    """A token for a person without the OAuth2 dance; for demos and scripts of the operator.

    Only its hash is stored.
    """
    token = secrets.token_urlsafe(32)
    access = get_access_token_model()(user=user, expires=timezone.now() + lasting, scope="hub")
    set_token_value(access, token)
    access.save()
    return token


def set_grants(user: User, *, workspace_id: UUID, grants: Mapping[UUID, str]) -> None:
    """Give a person exactly these permissions ("R", "W", "RW") by node, within one workspace.

    Raises Invalid for nodes that are not the workspace's.
    """
    known = set(
        Node.objects.in_workspace(workspace_id)
        .filter(id__in=list(grants))
        .values_list("id", flat=True)
    )
    faults = unknown_references(
        grants, known, at="/nodes/{}/id", message="is not a node of this workspace"
    )
    if faults:
        raise Invalid(errors=faults)
    with transaction.atomic():
        User.objects.select_for_update().get(id=user.id)
        here = NodeGrant.objects.filter(user=user, node__workspace_id=workspace_id)
        here.exclude(node_id__in=list(grants)).delete()
        for node_id, permission in grants.items():
            NodeGrant.objects.update_or_create(
                user=user, node_id=node_id, defaults={"permission": permission}
            )
        user.updated_at = timezone.now()
        user.save(update_fields=["updated_at"])
