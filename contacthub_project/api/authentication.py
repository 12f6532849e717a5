"""Authentication by bearer token, and the cache of principals."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cachetools import TTLCache
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication

from contacthub_project.core.errors import Forbidden, Unauthorized
from contacthub_project.core.ip_addresses import Address, as_address
from contacthub_project.core.principal import Principal
from contacthub_project.messaging.shared_version import shared_version

LONGEST_TOKEN = 4096


class PrincipalCache:
    """Caches principals by the hash of their token for some seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: TTLCache[bytes, Principal] = TTLCache(
            maxsize=10_000, ttl=settings.PRINCIPAL_CACHE_SECONDS
        )
        self._find = import_string(settings.PRINCIPAL_LOOKUP)
        self._version = shared_version.current()

    def get(self, token: str) -> Principal:
        """Return the holder of `token`; raises Unauthorized."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        current = shared_version.current()
        with self._lock:
            if current != self._version:
                self._known.clear()
                self._version = current
            principal = self._known.get(digest)
        if principal is None:
            principal = self._find(token, digest)
            if principal is None:
                raise Unauthorized
            with self._lock:
                if self._version == current:
                    self._known[digest] = principal
        if principal.expires_at is not None and principal.expires_at <= datetime.now(UTC):
            raise Unauthorized
        return principal


principals: PrincipalCache = SimpleLazyObject(PrincipalCache)  # type: ignore[assignment]


def authenticate(request: HttpRequest) -> Principal | None:
    """Return the holder of the request's bearer token, None without `Authorization` header.

    Calls within this process set `signed_in` on the request; no header can. Raises Unauthorized for
    any other header, Forbidden for a source that calls from an address or site that it does not
    allow.
    """
    signed_in: Principal | None = getattr(request, "signed_in", None)
    if signed_in is not None:
        return signed_in
    header = request.META.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
        raise Unauthorized
    principal = principals.get(token)
    if principal.allowed_networks or principal.allowed_urls:
        _check_origin(principal, request)
    return principal


class StillAuthenticated:
    """Checks again during a long answer that the caller may still receive it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._principal = authenticate(request)

    def check(self) -> None:
        """Raise Unauthorized when the token has ended or the holder's permissions have changed."""
        if authenticate(self._request) != self._principal:
            raise Unauthorized


class BearerToken(BaseAuthentication):
    """DRF authentication by bearer token; returns `(principal, None)`, or None without a token."""

    def authenticate(self, request: HttpRequest) -> tuple[Principal, None] | None:
        principal = authenticate(request)
        return None if principal is None else (principal, None)


def client_address(request: HttpRequest) -> Address | None:
    """Return the client's IP address as trusted proxies report it; None if there is none."""
    hops = settings.TRUSTED_PROXIES
    if hops:
        forwarded = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(forwarded) >= hops:
            return as_address(forwarded[-hops])
    return as_address(request.META.get("REMOTE_ADDR", ""))


def sign_in_address(request: HttpRequest) -> str | None:
    """Return the address by which failed sign-ins are counted.

    For IPv6 it is the network of 64 bits, as a client can use all its addresses.
    """
    address = client_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
    return None if address is None else str(address)


def _check_origin(principal: Principal, request: HttpRequest) -> None:
    if principal.allowed_networks:
        address = client_address(request)
        if address is None or not any(address in each for each in principal.allowed_networks):
            raise Forbidden("The source is not allowed from this address")
    if principal.allowed_urls:
        origin = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER", "")
        if not any(_same_origin(origin, allowed) for allowed in principal.allowed_urls):
            raise Forbidden("The source is not allowed from this site")


def _same_origin(first: str, second: str) -> bool:
    try:
        one, other = urlsplit(first), urlsplit(second)
    except ValueError:  # such as http://[
        return False
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)
