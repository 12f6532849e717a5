"""The demo workspace: two entry nodes, sources, and people with tokens that do not expire."""

from __future__ import annotations

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from oauth2_provider.models import get_access_token_model

from configuration.actions.nodes import create_entry_node
from configuration.actions.sources import create_source
from configuration.actions.users import issue_access_token
from configuration.actions.workspaces import create_workspace
from configuration.domain.tokens import token_hash
from configuration.models import Membership, Role, Source, SourceProvider, User, Workspace

SLUG = "demo"
LASTING = timedelta(days=3650)
PEOPLE = {
    "operator": ("Olivia", "Operator", Role.CLAB_OPERATOR),
    "admin": ("Ada", "Admin", Role.ADMIN),
    "dpo": ("Dario", "Privacy", Role.DPO),
}
LOGIN = "operator"


def ensure_demo(*, file: Path, base_url: str) -> dict[str, Any]:
    """Return the data of the demo workspace, kept in `file` (readable by its owner only).

    Creates what is missing; when the file is lost, new tokens and a new password are made, because
    the database holds only their hashes. People whose tokens have ended, as they do with a new
    password or other roles, get new ones.
    """
    facts = _read(file)
    if facts is None or not _is_valid(facts):
        facts = _make()
    _renew_tokens(facts["tokens"])
    facts = {"baseUrl": base_url, **{name: facts[name] for name in facts if name != "baseUrl"}}
    _write(file, facts)
    return facts


@transaction.atomic
def _make() -> dict[str, Any]:
    workspace = Workspace.objects.present().filter(slug=SLUG).first() or create_workspace(
        name="Demo", slug=SLUG, group_pk=1, shard="default"
    )
    nodes = list(workspace.nodes.filter(removed_at=None).order_by("created_at")[:2])
    for name in ("Web site", "Shop")[len(nodes) :]:
        nodes.append(create_entry_node(workspace.id, values={"name": name}))
    password = secrets.token_urlsafe(12)
    tokens = {
        "trusted": _source_token(workspace, nodes, "Demo server", trusted=True),
        "untrusted": _source_token(workspace, nodes, "Demo browser", trusted=False),
    }
    for username, (name, surname, role) in PEOPLE.items():
        user = _person(workspace, username, name, surname, role)
        if username == LOGIN:
            user.is_staff = True
            user.set_password(password)
            user.save()
        tokens[username] = issue_access_token(user, lasting=LASTING)
    return {
        "workspaceId": str(workspace.id),
        "nodeIds": [str(node.id) for node in nodes],
        "tokens": tokens,
        "login": {"username": LOGIN, "password": password},
    }


def _source_token(workspace: Workspace, nodes: list[Any], name: str, *, trusted: bool) -> str:
    Source.objects.in_workspace(workspace.id).filter(name=name).delete()
    _, token = create_source(
        workspace.id,
        provider=SourceProvider.API,
        name=name,
        nodes=[node.id for node in nodes],
        trusted=trusted,
    )
    return token


def _person(workspace: Workspace, username: str, name: str, surname: str, role: Role) -> User:
    user = User.objects.filter(username=username).first() or User.objects.create_user(
        username,
        name=name,
        surname=surname,
        email=f"{username}@demo.example",
        roles=[role],
    )
    Membership.objects.get_or_create(user=user, workspace=workspace)
    return user


def _is_valid(facts: dict[str, Any]) -> bool:
    tokens = facts["tokens"]
    sources = [token_hash(tokens[name]) for name in ("trusted", "untrusted")]
    return (
        Workspace.objects.present().filter(id=facts["workspaceId"]).exists()
        and Source.objects.filter(token_hash__in=sources).count() == len(sources)
        and User.objects.filter(username__in=PEOPLE).count() == len(PEOPLE)
    )


def _renew_tokens(tokens: dict[str, str]) -> None:
    """Give people whose token has ended another one."""
    for username in PEOPLE:
        checksum = token_hash(tokens[username]).hex()
        if not get_access_token_model().objects.filter(token_checksum=checksum).exists():
            person = User.objects.get(username=username)
            tokens[username] = issue_access_token(person, lasting=LASTING)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        facts: dict[str, Any] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return facts


def _write(file: Path, facts: dict[str, Any]) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(facts, out, indent=2)
    unfinished.replace(file)
