"""Which headers tell of the proxies in front: settled before anything reads them."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from contacthub_project.core.forwarded import Hop, parse_forwarded

FOR, PROTOCOL, FORWARDED = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED"


def settle_forwarding(environ: dict[str, Any]) -> None:
    """Leave of the headers that proxies set those that the settings trust, under one name.

    They are `X-Forwarded-For` and `X-Forwarded-Proto`, or what `Forwarded` (RFC 7239) says, with
    whatever else the request has dropped. Of a `Forwarded` that cannot be read nothing is known:
    neither whom the request came from nor that it came by HTTPS. Several headers of a name are
    joined in their order by the server, and counted from the last, which is the nearest proxy's.
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
        told = environ[PROTOCOL].split(",")
        environ[PROTOCOL] = told[-min(proxies, len(told))].strip()
