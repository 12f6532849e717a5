"""Authentication by bearer token, and the cache of principals."""

from __future__ import annotations

import hashlib
import ipaddress
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication

from contacthub_project.core.errors import ContacthubError, Forbidden, Unauthorized
from contacthub_project.core.ip_addresses import Address, as_address
from contacthub_project.core.principal import Principal
from contacthub_project.core.refreshed_cache import RefreshedCache
from contacthub_project.db.shared_reads import shared
from contacthub_project.messaging.shared_version import shared_version
from contacthub_project.runtime.blocking import in_thread_if_blocking

LONGEST_TOKEN = 4096


class PrincipalCache:
    """Caches principals for some seconds, by the hash of their token."""

    def __init__(self) -> None:
        self._known: RefreshedCache[bytes, Principal] = RefreshedCache(
            seconds=settings.PRINCIPAL_CACHE_SECONDS, most=10_000
        )
        self._find = import_string(settings.PRINCIPAL_LOOKUP)

    def get(self, token: str) -> Principal:
        """Return the holder of `token`; raises Unauthorized."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        version = shared_version.current()
        principal = self._known.fresh(digest, version)
        if principal is None:
            principal = self._known.look_up(digest, version, lambda _: self._find(token, digest))
            if principal is None:
                raise Unauthorized
        if principal.expires_at is not None and principal.expires_at <= datetime.now(UTC):
            raise Unauthorized
        return principal


@cache
def principals() -> PrincipalCache:
    """Return the cache of this process."""
    return PrincipalCache()


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
    principal = principals().get(token)
    if principal.allowed_networks or principal.allowed_urls:
        _check_origin(principal, request)
    return principal


class StillAuthenticated:
    """Checks during a long response that the caller may still receive it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._principal = authenticate(request)

    def check(self) -> None:
        """Raise Unauthorized when the token has ended or the holder's permissions have changed."""
        if authenticate(self._request) != self._principal:
            raise Unauthorized

    async def acheck(self) -> None:
        """The same in the event loop: those who wait by one token look it up once."""
        try:
            self.check()
        except SynchronousOnlyOperation:
            token = self._request.META.get("HTTP_AUTHORIZATION", "")
            await shared(("holder", token), partial(_cache_holder, self._request))
            await in_thread_if_blocking(self.check)


def _cache_holder(request: HttpRequest) -> None:
    """Have the token's holder in memory; what is wrong with the request is found out later."""
    with suppress(ContacthubError):
        authenticate(request)


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
    except ValueError:  # for example, http://[
        return False
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)
