"""Links of the navigation to pages of the workspace that was used last."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.urls import reverse

from configuration.domain.permissions import reaches_all_workspaces

FOR_OPERATORS = frozenset({"workspaces"})
OF_NO_WORKSPACE = frozenset({"workspaces", "clients", "access"})


def is_visible(name: str) -> Callable[[HttpRequest], bool]:
    """Return whether the page is offered to the request's person."""
    return lambda request: (
        name not in FOR_OPERATORS or reaches_all_workspaces(getattr(request.user, "roles", ()))
    )


def page_link(name: str) -> Callable[[HttpRequest], str]:
    """Return the address of a page for the request."""

    def address(request: HttpRequest) -> str:
        if name in OF_NO_WORKSPACE:
            return reverse(f"office:{name}")
        workspace = request.session.get("workspace")
        if not workspace:
            return reverse("admin:index")
        return reverse(f"office:{name}", kwargs={"workspace_id": workspace})

    return address
