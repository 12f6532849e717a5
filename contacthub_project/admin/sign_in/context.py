"""Template context of sign-in pages, allauth's included."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from contacthub_project.admin.sign_in.middleware import NEXT_ADDRESS


def sign_in(request: HttpRequest) -> dict[str, Any]:
    """Return the theme and the next address; for sign-in pages only."""
    if not request.path.startswith((reverse("sign-in"), reverse("admin:login"))):
        return {}
    return admin.site.each_context(request) | {
        "site_url": None,
        "openid_connect": settings.OPENID_CONNECT_ISSUER and settings.OPENID_CONNECT_NAME,
        "go_on": request.session.get(NEXT_ADDRESS) or settings.LOGIN_REDIRECT_URL,
    }
