"""Normalizes the headers that proxies set, before anything reads them."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from contacthub_project.core.forwarded import Hop, parse_forwarded

FOR, PROTOCOL, FORWARDED = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED"


def normalize_forwarded_headers(environ: dict[str, Any]) -> None:
    """Keep only the headers of proxies that the settings trust, under one name.

    They are `X-Forwarded-For` and `X-Forwarded-Proto`, or the contents of `Forwarded` (RFC 7239);
    all others are dropped. When `Forwarded` is malformed, neither address nor protocol are known.
    The server joins several headers of a name in order; the last one is the nearest proxy's.
    """
    header = environ.pop(FORWARDED, None)
    proxies = settings.TRUSTED_PROXIES
    if not proxies or settings.PROXY_HEADERS == "Forwarded":
        environ.pop(FOR, None)
        environ.pop(PROTOCOL, None)
        if proxies and header is not None:
            hops = parse_forwarded(header) or [Hop()] * proxies
            environ[FOR] = ", ".join(hop.address for hop in hops)
            environ[PROTOCOL] = ",".join(hop.protocol for hop in hops)
    if PROTOCOL in environ:
        protocols = environ[PROTOCOL].split(",")
        environ[PROTOCOL] = protocols[-min(proxies, len(protocols))].strip()
