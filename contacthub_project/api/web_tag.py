"""The script that web sites embed to send page views and events, and the line that embeds it."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

FILE = Path(__file__).resolve().parents[1] / "static" / "tag.js"
# What names its version never changes; other addresses follow within the hour.
FOREVER = "public, max-age=31536000, immutable"
AN_HOUR = "public, max-age=3600"


@cache
def content() -> bytes:
    """Return the script."""
    return FILE.read_bytes()


@cache
def compressed() -> bytes:
    """Return the script as gzip."""
    return gzip.compress(content(), mtime=0)


@cache
def version() -> str:
    """Return what names the script as it is."""
    return sha256(content()).hexdigest()[:12]


def web_tag(request: HttpRequest) -> HttpResponse:
    """Serve the script to pages of any site."""
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    is_this = request.GET.get("v") == version()
    headers = {
        "Cache-Control": FOREVER if is_this else AN_HOUR,
        "ETag": f'"{version()}"',
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
    return HttpResponse(
        compressed() if takes_gzip else content(),
        content_type="text/javascript; charset=utf-8",
        headers=headers,
    )


def snippet(hub: str, *, workspace_id: str, node_id: str, token: str) -> SafeString:
    """Return the HTML that a site's pages embed; `hub` is the address of this hub."""
    return format_html(
        '<script async src="{}/tag.js?v={}"\n'
        '  data-workspace="{}"\n  data-node="{}"\n  data-token="{}"></script>',
        hub, version(), workspace_id, node_id, token,
    )  # fmt: skip
