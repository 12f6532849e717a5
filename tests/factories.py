"""A workspace with everything in it, made by the product's own actions."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_access_token_model, set_token_value

from configuration.actions.nodes import create_entry_node
from configuration.actions.sources import create_source
from configuration.actions.users import issue_access_token
from configuration.actions.workspaces import create_workspace
from configuration.models import Membership, Node, NodeGrant, Source, User, Workspace
from tests.client import Answer, ApiClient

_numbers = itertools.count(1)
HOUR = timedelta(hours=1)


def make_workspace(**values: Any) -> Workspace:
    number = next(_numbers)
    return create_workspace(
        **{"name": f"Workspace {number}", "slug": f"workspace-{number}", "group_pk": 1,
           "shard": "default"} | values
    )  # fmt: skip


def make_node(workspace: Workspace, **values: Any) -> Node:
    values.setdefault("name", f"Node {next(_numbers)}")
    return create_entry_node(workspace.id, values=values)


def make_source(
    workspace: Workspace, nodes: list[Node], provider: str = "API", **values: Any
) -> tuple[Source, str]:
    return create_source(
        workspace.id,
        provider=provider,
        nodes=[node.id for node in nodes],
        of_retired_provider=True,
        **{"name": f"Source {next(_numbers)}"} | values,
    )


def make_user(
    *roles: str,
    workspaces: tuple[Workspace, ...] = (),
    grants: dict[Node, str] | None = None,
    username: str | None = None,
) -> User:
    username = username or f"user-{next(_numbers)}"
    user = User.objects.create_user(username, name="Given", roles=list(roles))
    for workspace in workspaces:
        Membership.objects.create(user=user, workspace=workspace)
    for node, permission in (grants or {}).items():
        NodeGrant.objects.create(
            user=user, workspace_id=node.workspace_id, node=node, permission=permission
        )
    return user


def make_token(user: User) -> str:
    return issue_access_token(user, lasting=HOUR)


def _tokens(roles: Iterable[str], workspace: Workspace, nodes: list[Node]) -> list[str]:
    """Tokens of new people of a workspace, one for each role: four statements for all of them."""
    users = [User(username=f"user-{next(_numbers)}", name="Given", roles=[each]) for each in roles]
    for user in users:
        user.set_unusable_password()
    User.objects.bulk_create(users)
    Membership.objects.bulk_create(Membership(user=each, workspace=workspace) for each in users)
    NodeGrant.objects.bulk_create(
        NodeGrant(user=user, workspace_id=workspace.id, node=node, permission="RW")
        for user in users
        for node in nodes
    )
    tokens = [secrets.token_urlsafe(32) for _ in users]
    access = get_access_token_model()
    issued = [access(user=each, expires=timezone.now() + HOUR, scope="hub") for each in users]
    for token, text in zip(issued, tokens, strict=True):
        set_token_value(token, text)
    access.objects.bulk_create(issued)
    return tokens


@dataclass
class Hub:
    """A workspace with two nodes, and a client for each role."""

    workspace: Workspace = field(default_factory=make_workspace)

    def __post_init__(self) -> None:
        self.node = make_node(self.workspace)
        self.other_node = make_node(self.workspace)
        nodes = [self.node, self.other_node]
        self.source, trusted = make_source(self.workspace, nodes)
        _, untrusted = make_source(self.workspace, nodes, provider="JavaScript")
        self.clients = {
            "TRUSTED_APPLICATION": ApiClient(trusted),
            "UNTRUSTED_APPLICATION": ApiClient(untrusted),
        }
        roles = ("CLAB_OPERATOR", "ADMIN", "USER", "GUEST", "DPO", "PLATFORM_UPDATES")
        for role, token in zip(roles, _tokens(roles, self.workspace, nodes), strict=True):
            self.clients[role] = ApiClient(token)
        self.path = f"/workspaces/{self.workspace.id}"
        self.configuration = f"{self.path}/configuration"

    @property
    def trusted(self) -> ApiClient:
        return self.clients["TRUSTED_APPLICATION"]

    @property
    def untrusted(self) -> ApiClient:
        return self.clients["UNTRUSTED_APPLICATION"]

    @property
    def operator(self) -> ApiClient:
        return self.clients["CLAB_OPERATOR"]

    @property
    def admin(self) -> ApiClient:
        return self.clients["ADMIN"]

    def post_customer(self, client: ApiClient | None = None, **body: Any) -> Answer:
        """POST a customer; with a new e-mail address unless `base` is given."""
        default_base = {"contacts": {"email": f"person{next(_numbers)}@example.com"}}
        document = {"nodeId": str(self.node.id), "base": default_base} | body
        return (client or self.trusted).post(f"{self.path}/customers", document)
