"""Who is believed about where a request comes from, at the sockets of the real server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.api.forwarding import normalize_forwarded_headers
from contacthub_project.core.forwarded import Hop, parse_forwarded
from tests.client import ApiClient
from tests.factories import Hub, make_source
from tests.product import ROOT, Product, free_port, running

THEIRS, OURS = "10.9.9.9", "127.0.0.1"


class Server:
    """A web server of its own settings, on the data of a running product."""

    def __init__(self, product: Product, **settings: str) -> None:
        self.product = product
        self.port = free_port()
        hidden = {"SHARED_VERSION_FILE", "DATABASE_URL", "REDIS_URL", "HTTPS"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        command = [sys.executable, str(ROOT / "manage.py"), "web", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--workers", "1"],
            env=environment | {"CONTACTHUB_DATA": str(product.data), **settings},
        )
        deadline = time.monotonic() + 60
        while self.health() != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def health(self) -> int:
        try:
            return self.ask("/hub/v1/health", [])
        except OSError:
            return 0

    def ask(self, path: str, headers: list[str], token: str = "") -> int:
        """The status of the answer to a GET with these header lines, as they are and in order."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            return int(connection.makefile("rb").readline().split()[1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("forwarding") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def tokens(product: Product) -> dict[str, str]:
    """Tokens of sources that may call from one address only, by the address."""
    return {address: token_for(product, address) for address in (THEIRS, OURS)}


def token_for(product: Product, address: str) -> str:
    body = {
        "provider": "API", "name": address, "nodes": product.facts["nodeIds"], "enabled": True,
        "properties": {"allowedIPs": [address]},
    }  # fmt: skip
    path = f"{product.workspace}/configuration/sources"
    return str(product.call("POST", path, body, token="admin")[1]["token"])


@pytest.fixture(scope="module")
def behind_one_proxy(product: Product) -> Iterator[Server]:
    """One proxy, which sets X-Forwarded-For and X-Forwarded-Proto."""
    server = Server(product, TRUSTED_PROXIES="1", HTTPS="false")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def standard(product: Product) -> Iterator[Server]:
    """One proxy, which sets Forwarded."""
    server = Server(product, TRUSTED_PROXIES="1", PROXY_HEADERS="Forwarded", HTTPS="true")
    yield server
    server.stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        (["X-Forwarded-For: 10.9.9.9"], THEIRS),
        (["X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 10.9.9.9"], THEIRS),
        (["X-Forwarded-For: 10.9.9.9", "X-Forwarded-For: 127.0.0.1"], OURS),
        (["x-forwarded-for: 10.9.9.9, 127.0.0.1", "Accept: */*", "X-FORWARDED-FOR: 10.9.9.9"], THEIRS),
        (["X-Forwarded-For: 10.9.9.9", "X-Forwarded-For: rubbish"], None),
        (["X_Forwarded_For: 127.0.0.1", "X-Forwarded-For: 10.9.9.9", "X-Forwarded_For: 127.0.0.1"], THEIRS),
        (["X_Forwarded_For: 127.0.0.1"], None),
        ([], None),  # a proxy that says nothing is none of ours
    ],
)  # fmt: skip
def test_several_headers_are_joined_in_order(
    behind_one_proxy: Server, tokens: dict[str, str], lines: list[str], seen: str | None
) -> None:
    for address, token in tokens.items():
        expected = 200 if address == seen else 403
        assert behind_one_proxy.ask("/hub/v1/me", lines, token) == expected


SPELLINGS = [
    "X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For", "x_forwarded_for", "X-Forwarded-For",
]  # fmt: skip


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize("claimed", [THEIRS, OURS, "rubbish"])
def test_no_spelling_writes_over_what_the_proxy_has_said(
    standard: Server, tokens: dict[str, str], name: str, claimed: str
) -> None:
    forged = f"Forwarded: for={THEIRS};proto=https"
    lines = [f"{name}: {claimed}", f"{name.replace('For', 'Proto').replace('for', 'proto')}: http"]
    for sent in ([*lines, forged], [forged, *lines], [*lines, forged, *lines]):
        assert standard.ask("/hub/v1/me", sent, tokens[THEIRS]) == 200
        assert standard.ask("/hub/v1/me", sent, tokens[OURS]) == 403
    # Nor is it believed where the proxy has said nothing: that came by plain HTTP, whatever it says.
    https = [f"{name.replace('For', 'Proto').replace('for', 'proto')}: https"]
    assert standard.ask("/hub/v1/me", [f"{name}: {claimed}", *https], tokens[OURS]) == 403


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Forwarded: for=127.0.0.1;proto=http", "Forwarded: for=10.9.9.9;proto=https"], 200),
        (["Forwarded: for=10.9.9.9;proto=https", "Forwarded: for=127.0.0.1;proto=https"], 403),
        (["Forwarded: for=1.1.1.1, for=\"10.9.9.9:4711\"; proto=HTTPS;by=_x"], 200),
        (["Forwarded: for=10.9.9.9;proto=http"], 403),
        (["Forwarded: for=10.9.9.9"], 403),
        # An open quote of the client's does not take in what the proxy adds: nothing is known.
        (["Forwarded: for=\"x", "Forwarded: for=10.9.9.9;proto=https"], 403),
        (["Forwarded: for=10.9.9.9;proto=https;for=10.9.9.9"], 403),
        (["Forwarded: rubbish"], 403),
    ],
)  # fmt: skip
def test_the_nearest_proxy_is_believed(
    standard: Server, tokens: dict[str, str], lines: list[str], status: int
) -> None:
    assert standard.ask("/hub/v1/me", lines, tokens[THEIRS]) == status


@pytest.mark.timeout(180)
def test_without_trusted_proxies_nobody_is_believed(
    product: Product, tokens: dict[str, str]
) -> None:
    server = Server(product, HTTPS="true")
    try:
        for name in ("X-Forwarded-Proto", "X_Forwarded_Proto"):
            assert server.ask("/hub/v1/me", [f"{name}: https"], tokens[OURS]) == 403
        assert server.ask("/hub/v1/me", ["Forwarded: proto=https"], tokens[OURS]) == 403
    finally:
        server.stop()


def test_two_proxies(hub: Hub, settings: Any) -> None:
    _, token = make_source(hub.workspace, [hub.node], properties={"allowedIPs": ["10.0.0.1"]})
    settings.TRUSTED_PROXIES = 2
    client = ApiClient(token)
    for named, unnamed in (("X-Forwarded", "Forwarded"), ("Forwarded", "X-Forwarded")):
        settings.PROXY_HEADERS = named
        for addresses, status in (
            (["10.0.0.1", "6.6.6.6"], 200),
            (["6.6.6.6", "10.0.0.1", "7.7.7.7"], 200),
            (["10.0.0.1", "6.6.6.6", "7.7.7.7"], 403),
        ):
            reported = {
                "X-Forwarded": {"X_Forwarded_For": ", ".join(addresses)},
                "Forwarded": {"Forwarded": ", ".join(f"for={each}" for each in addresses)},
            }
            assert client.get("/me", **reported[named]).status == status
            assert client.get("/me", **reported[unnamed]).status == 403


@pytest.mark.parametrize(
    ("reported", "proxies", "seen"),
    [("https", 1, "https"), ("https,http", 1, "http"), ("http, https", 1, "https"),
     ("http,https,http", 2, "https"), ("https", 2, "https"), ("", 1, "")],
)  # fmt: skip
def test_the_protocol_is_counted_from_the_nearest_proxy(
    reported: str, proxies: int, seen: str, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = proxies
    environ = {"HTTP_X_FORWARDED_PROTO": reported}
    normalize_forwarded_headers(environ)
    assert environ == {"HTTP_X_FORWARDED_PROTO": seen}
    settings.TRUSTED_PROXIES = 0
    normalize_forwarded_headers(environ)
    assert environ == {}


@pytest.mark.parametrize(
    ("header", "hops"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", [Hop("192.0.2.60", "http")]),
        ('For="[2001:db8:cafe::17]:4711"', [Hop("2001:db8:cafe::17")]),
        ('for="[2001:db8::1]" , for=1.2.3.4;Proto=HTTPS', [Hop("2001:db8::1"), Hop("1.2.3.4", "https")]),
        ('for="_gazonk"', [Hop("_gazonk")]), ("for=unknown", [Hop("unknown")]), ("proto=https", [Hop("", "https")]),
        ('for="a,b;c\\"d"', [Hop('a,b;c"d')]), ('for=""', [Hop()]), ('for="2001:db8::1"', [Hop()]),
        ("", None), (",", None), ("for", None), ("for=", None), ("for=1.1.1.1;", None), ("for=1.1.1.1,", None),
        ('for="1.1.1.1', None), ("for=[::1]", None), ("for=a;for=b", None), ("for = a", None), ("for=a b", None), ("for=1\x00", None),
    ],
)  # fmt: skip
def test_forwarded_is_read_by_the_standard(header: str, hops: list[Hop] | None) -> None:
    assert parse_forwarded(header) == hops


@given(st.text(alphabet='for=",;\\ [].:1ab\t\x00é', max_size=30))
def test_any_header_is_read_or_not_known(prefix: str) -> None:
    """What a client sends before it never changes what the nearest proxy's words are taken for."""
    hops = parse_forwarded(f"{prefix},for=192.0.2.1;proto=https")
    assert hops is None or hops[-1] in {Hop("192.0.2.1", "https")}


@given(
    st.lists(
        st.tuples(st.ip_addresses(), st.sampled_from(["http", "https"])), min_size=1, max_size=5
    )
)
def test_what_is_written_is_read(words: list[Any]) -> None:
    def written(address: Any, protocol: str) -> str:
        node = f'"[{address}]:80"' if address.version == 6 else str(address)
        return f"proto={protocol};for={node}"

    header = ", ".join(written(*each) for each in words)
    assert parse_forwarded(header) == [Hop(str(address), protocol) for address, protocol in words]
