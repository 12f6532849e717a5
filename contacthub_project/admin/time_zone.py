"""Pages show times in the time zone of the current workspace."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from configuration.queries.rules import rules_of
from contacthub_project.core.identifiers import as_uuid

PAGES = "/admin/"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)


class WorkspaceTimeZone:
    """Activates the zone of the workspace in the session, for pages of the back-office.

    Forms are read in the same zone; its name is next to the workspace's at the head of the menu.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PAGES):
            return self.get_response(request)
        chosen = as_uuid(str(request.session.get("workspace", "")))
        rules = rules_of(chosen) if chosen else None
        with timezone.override(rules.zone if rules else None):
            return self.get_response(request)


def with_local_time(value: Any) -> str:
    """Return a value as text; one that is a moment of the API in the zone of the page."""
    text = str(value)
    if not MOMENT.fullmatch(text):
        return text
    try:
        return local_time(text, timezone.get_current_timezone())
    except ValueError:  # such as the 31st of February, in a property that is any text
        return text


def local_time(moment: str | datetime | None, zone: tzinfo) -> str:
    """Return a moment, such as one of the API's answers, in a zone; empty for none."""
    if not moment:
        return ""
    found = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    return f"{found.astimezone(zone):%Y-%m-%d %H:%M}"
