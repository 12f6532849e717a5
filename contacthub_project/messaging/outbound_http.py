"""HTTP requests to addresses that clients configure, such as webhooks.

Such an address must not lead into our own network (server-side request forgery): its host is
resolved once for each request, every address of private, loopback, link-local and other special
ranges is refused (the metadata services of clouds are link-local), and the connection goes to the
address that was checked. Redirects are not followed. Only the stored beginning of a response is
read.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from contacthub_project.core.ip_addresses import as_address

LONGEST_URL = 2000
MOST_READ = 64 * 1024  # bytes of an answer that are read before the connection is closed
KEPT_CHARACTERS = 500
CONNECT_SECONDS = 5.0
PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The address may not be called; the message says why."""


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """What came of a request: a status and the beginning of the answer, or why there is neither."""

    status: int | None
    milliseconds: int
    beginning: str = ""
    error: str | None = None
    retry_after: float | None = None  # seconds

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


def url_fault(url: str) -> str | None:
    """What is wrong with an address as far as it shows without resolving it; None if nothing."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "must be a web address"
    if parts.scheme not in _schemes():
        return f"must begin with {' or '.join(f'{each}://' for each in _schemes())}"
    if not host or not url.isprintable() or " " in url or len(url) > LONGEST_URL or port == 0:
        return "must be a web address"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    if parts.fragment:
        return "must not have a fragment"
    try:
        host.encode("idna")
    except UnicodeError:
        return "must be a web address"
    literal = as_address(host)
    if literal is not None and not _is_allowed(host, str(literal)):
        return "must not lead into a private network"
    if host.lower().rstrip(".") == "localhost" and not _is_internal_host(host):
        return "must not lead into a private network"
    return None


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Connects to an address of the host that has been checked, under the host's own name."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        address = await checked_address(host, request.url.port or PORTS[request.url.scheme])
        request.url = request.url.copy_with(host=address)
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await super().handle_async_request(request)


def outbound_client(*, connections: int = 1) -> httpx.AsyncClient:
    """Return a client for one receiver; so many connections are kept between requests."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(
        transport=CheckedTransport(limits=limits, retries=0),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(settings.WEBHOOK_TIMEOUT, connect=CONNECT_SECONDS),
        headers={"User-Agent": "Contacthub-Webhooks/1"},
    )


async def post(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
) -> OutboundAnswer:
    """POST a JSON body; failures are returned in the result, nothing is raised."""
    began = time.monotonic()

    def answer(status: int | None, **values: str | float | None) -> OutboundAnswer:
        milliseconds = round((time.monotonic() - began) * 1000)
        return OutboundAnswer(status, milliseconds, **values)  # type: ignore[arg-type]

    try:
        if (fault := url_fault(url)) is not None:
            raise AddressRefused(f"The address {fault}")
        sent = {"Content-Type": "application/json", **headers}
        # The client's own time limits hold for each piece; this one for all of it.
        async with (
            asyncio.timeout(settings.WEBHOOK_TIMEOUT),
            client.stream("POST", url, content=body, headers=sent) as response,
        ):
            beginning = await _beginning(response)
            after = retry_after(response.headers.get("Retry-After"))
            return answer(response.status_code, beginning=beginning, retry_after=after)
    except AddressRefused as refused:
        return answer(None, error=str(refused))
    except (TimeoutError, httpx.TimeoutException):
        return answer(None, error=f"No answer within {settings.WEBHOOK_TIMEOUT:g} seconds")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as failure:
        message = str(failure) or type(failure).__name__
        return answer(None, error=message[:KEPT_CHARACTERS])


async def checked_address(host: str, port: int) -> str:
    """Resolve a host and return an address that may be called; raises AddressRefused."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(f"The host {host} is not known") from None
    addresses = [str(address[0]) for *_, address in found]
    for address in addresses:
        if not _is_allowed(host, address):
            raise AddressRefused(f"The host {host} leads into a private network")
    if not addresses:
        raise AddressRefused(f"The host {host} is not known")
    return addresses[0]


def retry_after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, given as such or as a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.isascii() and header.isdigit() and len(header) < 10:
        return float(header)
    with contextlib.suppress(ValueError):
        moment = email.utils.parsedate_to_datetime(header)
        if moment.tzinfo is not None:
            return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


async def _beginning(response: httpx.Response) -> str:
    """The first characters of the answer; of a long one the rest is not read."""
    read = bytearray()
    with contextlib.suppress(httpx.DecodingError):
        async for piece in response.aiter_bytes(8192):
            read += piece
            if len(read) >= MOST_READ:
                break
    text = bytes(read[: 4 * KEPT_CHARACTERS]).decode("utf-8", "replace")
    return "".join(each if each.isprintable() else " " for each in text)[:KEPT_CHARACTERS]


def _is_allowed(host: str, address: str) -> bool:
    if _is_internal_host(host):
        return True
    parsed = as_address(address.partition("%")[0])
    if parsed is None or parsed.is_multicast or not parsed.is_global:
        return False
    # 6to4, Teredo and NAT64 addresses hold an IPv4 address that may be a private one.
    if isinstance(parsed, ipaddress.IPv6Address):
        held = [parsed.sixtofour, *(parsed.teredo or ()), _nat64(parsed)]
        return all(each is None or each.is_global for each in held)
    return True


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a NAT64 address stands for (RFC 6052), else None."""
    if address in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_internal_host(host: str) -> bool:
    return host.lower().rstrip(".") in settings.WEBHOOK_INTERNAL_HOSTS


def _schemes() -> tuple[str, ...]:
    return ("https", "http") if settings.WEBHOOK_ALLOW_HTTP else ("https",)
