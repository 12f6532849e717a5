"""People: tokens, grants, memberships, roles and passwords."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, set_token_value

from configuration.domain.permissions import reaches_all_workspaces
from configuration.models import Membership, Node, NodeGrant, Role, User
from contacthub_project.core.errors import Conflict, Invalid, unknown_references


def issue_access_token(user: User, *, lasting: timedelta) -> str:
    """Issue an access token without an OAuth2 flow, for demos and operators' scripts.

    Only its hash is stored.
    """
    token = secrets.token_urlsafe(32)
    access = get_access_token_model()(user=user, expires=timezone.now() + lasting, scope="hub")
    set_token_value(access, token)
    access.save()
    return token


def set_grants(user: User, *, workspace_id: UUID, grants: Mapping[UUID, str]) -> None:
    """Replace a person's grants in a workspace; `grants` maps node ids to "R", "W" or "RW".

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
        here = NodeGrant.objects.filter(user=user, workspace_id=workspace_id)
        if dict(here.values_list("node_id", "permission")) == dict(grants):
            return
        here.exclude(node_id__in=list(grants)).delete()
        for node_id, permission in grants.items():
            NodeGrant.objects.update_or_create(
                user=user,
                workspace_id=workspace_id,
                node_id=node_id,
                defaults={"permission": permission},
            )
        user.updated_at = timezone.now()
        user.save(update_fields=["updated_at"])


@transaction.atomic
def add_person(
    workspace_id: UUID, *, username: str, name: str, surname: str, email: str, roles: Iterable[str]
) -> User:
    """Create a person without a password and add them to a workspace.

    Raises Conflict when the user name is taken.
    """
    try:
        with transaction.atomic():
            person = User.objects.create_user(
                username, name=name, surname=surname, email=email, roles=sorted(set(roles))
            )
    except IntegrityError:
        raise Conflict(f"There is somebody with the user name {username} already") from None
    add_member(person, workspace_id)
    return person


def add_member(person: User, workspace_id: UUID) -> None:
    """Add a person to a workspace, if they are not in it."""
    Membership.objects.get_or_create(user=person, workspace_id=workspace_id)


@transaction.atomic
def remove_member(person: User, workspace_id: UUID) -> None:
    """Remove a person from a workspace, with their grants there.

    A trigger ends their sessions and tokens, as for the functions below (see `User`).
    """
    NodeGrant.objects.filter(user=person, workspace_id=workspace_id).delete()
    Membership.objects.filter(user=person, workspace_id=workspace_id).delete()


@transaction.atomic
def set_roles(person: User, *, roles: Iterable[str], is_active: bool) -> None:
    """Set a person's roles, which hold in all workspaces, and whether they may sign in.

    Raises Conflict when no active operator would be left.
    """
    # All operators are locked, in one order: two who demote each other are serialised.
    operators = list(
        User.objects.select_for_update()
        .filter(roles__contains=[Role.CLAB_OPERATOR], is_active=True)
        .order_by("id")
    )
    new_roles = sorted(set(roles))
    stays = is_active and reaches_all_workspaces(new_roles)
    if not stays and [each.id for each in operators] == [person.id]:
        raise Conflict("Somebody must be left who is an operator")
    person.roles = new_roles
    person.is_active = is_active
    person.updated_at = timezone.now()
    person.save(update_fields=["roles", "is_active", "updated_at"])


@transaction.atomic
def remove_second_factors(person: User) -> None:
    """Delete a person's second factors; ends their sessions and tokens (see `User`)."""
    Authenticator.objects.filter(user=person).delete()


def set_password(person: User, password: str) -> None:
    """Set a person's password and give them access to the back-office.

    Raises Invalid when the password is too weak.
    """
    try:
        validate_password(password, person)
    except ValidationError as fault:
        raise Invalid(" ".join(fault.messages)) from None
    person.set_password(password)
    person.is_staff = True
    person.save(update_fields=["password", "is_staff"])
