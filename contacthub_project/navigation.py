"""Where the back-office's navigation leads: pages of the workspace that was used last."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.urls import reverse


def link(name: str) -> Callable[[HttpRequest], str]:
    """The address of a page, for the request at hand."""

    def address(request: HttpRequest) -> str:
        workspace = request.session.get("workspace")
        if not workspace:
            return reverse("admin:index")
        return reverse(f"office:{name}", kwargs={"workspace_id": workspace})

    return address
