"""Headers of requests that many operations read: versions, and the format of timestamps."""

from __future__ import annotations

from django.http import HttpRequest

from contacthub_project.core.date_format import DateFormat
from contacthub_project.core.errors import Invalid
from contacthub_project.core.principal import Principal


def requested_date_format(request: HttpRequest, principal: Principal | None) -> DateFormat:
    """Return the format of `X-Date-Format`, else the caller's.

    Raises Invalid for an unknown format.
    """
    given = request.META.get("HTTP_X_DATE_FORMAT", "").strip()
    if not given:
        return DateFormat.ZULU if principal is None else principal.date_format
    try:
        return DateFormat(given)
    except ValueError:
        known = " or ".join(DateFormat)
        raise Invalid.at("/X-Date-Format", f"must be {known}", "enum") from None


def expected_version(request: HttpRequest) -> int | None:
    """Return the version of `If-Match`; None for any version, -1 for a tag that never matches."""
    header = request.META.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    tag = header.removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 19 else -1


def is_unchanged(request: HttpRequest, version: int) -> bool:
    """Return whether `If-None-Match` names this version."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    if not header:
        return False
    return f'"{version}"' in {tag.strip().removeprefix("W/") for tag in header.split(",")}
