"""A person in front of the back-office."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from configuration.models import User
from tests.factories import Hub, make_user


class Staff:
    """Somebody with a role in a hub's workspace, signed in."""

    def __init__(self, hub: Hub, *roles: str, grants: Any = None) -> None:
        nodes = [hub.node, hub.other_node]
        everything = dict.fromkeys(nodes, "RW")
        self.user: User = make_user(
            *roles, workspaces=(hub.workspace,), grants=everything if grants is None else grants
        )
        self.user.is_staff = True
        self.user.save()
        self.hub = hub
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.user)

    def url(self, name: str, **parts: Any) -> str:
        return reverse(f"office:{name}", kwargs={"workspace_id": self.hub.workspace.id, **parts})

    def open(self, name: str, query: dict[str, Any] | None = None, **parts: Any) -> Page:
        answer = self.client.get(self.url(name, **parts), query or {}, HTTP_HOST="localhost")
        return Page(answer)

    def admin_url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args)

    def open_admin(self, name: str, /, *args: Any, **query: Any) -> Page:
        """Open a page of a model admin, such as `configuration_source_changelist`."""
        return Page(self.client.get(self.admin_url(name, *args), query, HTTP_HOST="localhost"))

    def submit_admin(self, name: str, /, *args: Any, **form: Any) -> Page:
        """Send the form of a model admin's page and see the page that comes then."""
        address = self.admin_url(name, *args)
        return Page(self.client.post(address, form, HTTP_HOST="localhost", follow=True))

    def audit_log(self) -> str:
        """What the audit log shows in its list and on the pages of its entries."""
        listed = self.open_admin("configuration_staffchange_changelist")
        ids = re.findall(r"/staffchange/(\d+)/change/", listed.html)
        entries = [self.open_admin("configuration_staffchange_change", each) for each in ids]
        return " ".join(page.text for page in [listed, *entries])

    def submit(self, name: str, form: dict[str, Any], query: str = "", **parts: Any) -> Page:
        """Send a form and see the page that comes then."""
        address = self.url(name, **parts) + (f"?{query}" if query else "")
        return Page(self.client.post(address, form, HTTP_HOST="localhost", follow=True))


class Page:
    def __init__(self, answer: Any) -> None:
        self.status = answer.status_code
        self.answer = answer
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        self.html = content.decode()

    @property
    def text(self) -> str:
        """What a reader sees, more or less."""
        plain = re.sub(r"<(script|style).*?</\1>", "", self.html, flags=re.DOTALL)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", plain))

    def __contains__(self, words: str) -> bool:
        return words in self.text
