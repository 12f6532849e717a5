"""Addresses of resources, as responses contain them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from contacthub_project.api import BASE_PATH


def absolute_address(request: HttpRequest, path: str) -> str:
    """Return the address of a path of the API for the client."""
    root = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return f"{root}{BASE_PATH}{path}"
