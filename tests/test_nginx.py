"""The real nginx with docs/production/nginx.conf, over TLS, in front of the product."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from contacthub_project.api.requests import FORM_BYTES
from events.api.viewsets.event_batches import BATCH_BYTES
from tests.product import ROOT, Product, free_port

CONFIGURATION = ROOT / "docs/production/nginx.conf"
HOST = "hub.example.com"
BULK_BYTES = 300_000
DEFAULT_BULK_BYTES = 1024**3
MIB = 1024 * 1024
# nginx answers a smuggled request with 400; a second answer would be the smuggled one's.
STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not all(map(shutil.which, ("nginx", "openssl"))), reason="no nginx: apt-get install nginx"
    ),
]


@dataclass
class Front:
    """nginx in front of a web server of its own, on the data of a running product."""

    product: Product
    port: int
    web_port: int
    folder: Path

    def connect(self) -> ssl.SSLSocket:
        trust = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return trust.wrap_socket(plain, server_hostname=HOST)

    def raw(self, request: bytes) -> bytes:
        """All that comes back until nginx closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def call(
        self, method: str, path: str, body: bytes = b"", *, token: str = "", **headers: str
    ) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer; header names are sent exactly as they are given."""
        token = token or self.product.facts["tokens"]["trusted"]
        head = {
            "Host": HOST, "Connection": "close", "Authorization": f"Bearer {token}",
            "Content-Type": "application/json", "Content-Length": str(len(body)),
        } | headers  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
        answer = self.raw(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        status_line, _, content = answer.partition(b"\r\n\r\n")
        return int(status_line.split(b" ", 2)[1]), status_line, content

    @property
    def workspace(self) -> str:
        return f"/hub/v1/workspaces/{self.product.facts['workspaceId']}"


def read_all(connection: ssl.SSLSocket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except (ConnectionError, ssl.SSLError):
        pass
    return received


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    product = Product(tmp_path_factory.mktemp("hub") / "data")
    product.start()
    made = Front(product, free_port(), free_port(), tmp_path_factory.mktemp("nginx"))
    programs = []
    try:
        programs.append(_web(made))
        programs.append(_nginx(made))
        _wait_until_healthy(made)
        yield made
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(60)
        product.stop()


def _web(front: Front) -> subprocess.Popen[bytes]:
    hidden = {"SHARED_VERSION_FILE", "DATABASE_URL", "REDIS_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | {
        "CONTACTHUB_DATA": str(front.product.data), "HTTPS": "true", "TRUSTED_PROXIES": "1",
        "PROXY_HEADERS": "Forwarded",
        "ALLOWED_HOSTS": HOST, "BULK_BYTES": str(BULK_BYTES),
    }  # fmt: skip
    web = [sys.executable, str(ROOT / "manage.py"), "web", "--port", str(front.web_port)]
    return subprocess.Popen([*web, "--workers", "1"], env=environment)


def _nginx(front: Front) -> subprocess.Popen[bytes]:
    certificate, key = front.folder / "certificate.pem", front.folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    text = CONFIGURATION.read_text()
    for documented, here in (
        ("127.0.0.1:8000", f"127.0.0.1:{front.web_port}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{front.port} ssl"),
        (f"/etc/ssl/private/{HOST}.pem", str(key)),
        (f"/etc/ssl/{HOST}.pem", str(certificate)),
    ):
        assert documented in text
        text = text.replace(documented, here)
    (front.folder / "site.conf").write_text(text)
    user = "user root;\n" if os.getuid() == 0 else ""
    paths = "".join(
        f"{kind}_temp_path {front.folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = front.folder / "nginx.conf"
    main.write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {front.folder}/pid;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}include {front.folder}/site.conf;\n}}\n"
    )
    return subprocess.Popen(["nginx", "-c", main, "-e", front.folder / "error.log"])


def _wait_until_healthy(front: Front) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if front.call("GET", "/hub/v1/health")[0] == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, (front.folder / "error.log").read_text()
        time.sleep(0.2)


def source_allowed_from(front: Front, address: str) -> str:
    """The token of a new source that may call from one address only."""
    body = {
        "provider": "API", "name": f"From {address}", "nodes": front.product.facts["nodeIds"],
        "enabled": True, "properties": {"allowedIPs": [address]},
    }  # fmt: skip
    address = f"{front.product.workspace}/configuration/sources"
    return str(front.product.call("POST", address, body, token="admin")[1]["token"])


def limits() -> list[int]:
    sizes = re.findall(r"^ *client_max_body_size (\d+)m;", CONFIGURATION.read_text(), re.MULTILINE)
    return [int(size) * MIB for size in sizes]


def test_limits_are_those_of_the_product() -> None:
    others, batches, files = limits()
    assert others >= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert batches == BATCH_BYTES
    assert DEFAULT_BULK_BYTES + FORM_BYTES < files <= DEFAULT_BULK_BYTES + MIB
    documented = (ROOT / "docs/settings.md").read_text()
    assert (
        f"| `BULK_BYTES` | the largest file of a bulk job | `{DEFAULT_BULK_BYTES}` |" in documented
    )
    assert "proxy_request_buffering" not in CONFIGURATION.read_text(), "on by default"


def test_requests_come_by_tls_and_are_known_to(front: Front) -> None:
    status, head, content = front.call("GET", "/hub/v1/me")
    assert status == 200, content
    assert b"strict-transport-security: max-age=31536000" in head.lower()
    # Past nginx the same request is refused: it came by plain HTTP.
    direct = urllib.request.Request(
        f"http://127.0.0.1:{front.web_port}/hub/v1/me", headers={"Host": HOST}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(direct)
    assert front.call("GET", "/hub/v1/me", **{"X-Forwarded-Proto": "http"})[0] == 200
    assert front.call("GET", "/hub/v1/me", Host="evil.example")[0] == 400


SPOOFED = [
    {"X-Forwarded-For": "{}"},
    {"X-Forwarded-For": "{}, {}"},
    {"x-forwarded-for": "{}", "X-Forwarded-For": "{}"},
    {"X_Forwarded_For": "{}"},
    {"X-Forwarded_For": "{}", "X_Forwarded-For": "{}"},
    {"Forwarded": "for={};proto=https"},
    {"Forwarded": 'for="{}', "X-Real-IP": "{}", "Client-IP": "{}"},
]


@pytest.mark.parametrize("headers", SPOOFED, ids=str)
def test_nobody_is_believed_to_come_from_elsewhere(front: Front, headers: dict[str, str]) -> None:
    for address, status in (("127.0.0.1", 200), ("10.9.9.9", 403)):
        token = source_allowed_from(front, address)
        assert front.call("GET", "/hub/v1/me", token=token)[0] == status
        for claimed in ("10.9.9.9", "127.0.0.1", "rubbish"):
            spoofed = {name: value.format(*[claimed] * 3) for name, value in headers.items()}
            assert front.call("GET", "/hub/v1/me", token=token, **spoofed)[0] == status


def test_bodies_in_chunks(front: Front) -> None:
    document = {
        "nodeId": front.product.facts["nodeIds"][0],
        "base": {"contacts": {"email": "chunked@example.com"}},
    }
    body = json.dumps(document).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:7], body[7:]))
    status, _, content = front.call(
        "POST", f"{front.workspace}/customers", chunks + b"0\r\n\r\n",
        **{"Content-Length": "", "Transfer-Encoding": "chunked"},
    )  # fmt: skip
    assert status == 201, content


@pytest.mark.parametrize(
    ("size", "status"),
    [(MIB, 400), (BATCH_BYTES, 400), (BATCH_BYTES + 1, 413), (20 * MIB, 413)],
)
def test_batches_of_all_sizes_get_responses_in_the_error_format(
    front: Front, size: int, status: int
) -> None:
    check_answer(front, "events/batch", size, status)


@pytest.mark.parametrize("size", [MIB + 1, 20 * MIB])
@pytest.mark.parametrize("path", ["customers", "events"])
def test_oversized_bodies_are_413(front: Front, path: str, size: int) -> None:
    check_answer(front, path, size, 413)


def check_answer(front: Front, path: str, size: int, status: int) -> None:
    start = b'{"events":1,"padding":"'
    body = start + b"x" * (size - len(start) - 2) + b'"}'
    assert len(body) == size
    status_line, _, content = front.call("POST", f"{front.workspace}/{path}", body)
    assert status_line == status
    assert set(json.loads(content)) == {"message", "logref", "data", "errors"}


def test_files_of_bulk_jobs(front: Front) -> None:
    row = b"someone@example.com\n"
    form = (
        b'--b\r\nContent-Disposition: form-data; name="operation"\r\n\r\nUPSERT\r\n--b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        b"base.contacts.email\n" + row * ((BULK_BYTES - 1000) // len(row)) + b"\r\n--b--\r\n"
    )
    node = front.product.facts["nodeIds"][0]
    status_line, _, content = front.call(
        "POST", f"{front.workspace}/nodes/{node}/bulk-jobs", form,
        **{"Content-Type": "multipart/form-data; boundary=b"},
    )  # fmt: skip
    assert status_line == 201, content


INNER = "GET /hub/v1/health?smuggled HTTP/1.1\r\nHost: hub.example.com\r\nConnection: close\r\n\r\n"
SMUGGLED = {
    "both lengths": "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
    "two lengths": "Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{inner}",
    "list of lengths": "Content-Length: 0, {length}\r\n\r\n{inner}",
    "signed length": "Content-Length: +{length}\r\n\r\n{inner}",
    "unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{inner}",
    "space before colon": "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}",
    "bad chunk size": "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{inner}",
}


@pytest.mark.parametrize("attack", SMUGGLED, ids=str)
def test_smuggled_requests_get_no_answer(front: Front, attack: str) -> None:
    rest = SMUGGLED[attack].format(length=len(INNER), inner=INNER)
    head = f"POST /hub/v1/health HTTP/1.1\r\nHost: {HOST}\r\n"
    answers = STATUS.findall(front.raw(f"{head}{rest}".encode()))
    assert answers == [b"400"] or answers == [b"501"], (attack, answers)
    # And nothing of it is left in the connections that nginx keeps to the product.
    for _ in range(5):
        assert front.call("GET", "/hub/v1/me")[0] == 200


def test_slow_clients_keep_nobody_waiting(front: Front) -> None:
    """Forty bodies that do not end would take all threads of the web server, were they passed on."""
    slow = [front.connect() for _ in range(40)]
    token = front.product.facts["tokens"]["trusted"]
    try:
        for connection in slow:
            connection.sendall(
                f"POST {front.workspace}/customers HTTP/1.1\r\nHost: {HOST}\r\n"
                f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                'Content-Length: 1000\r\n\r\n{"nodeId":'.encode()
            )
        for _ in range(5):
            started = time.monotonic()
            assert front.call("GET", "/hub/v1/me")[0] == 200
            assert time.monotonic() - started < 5
    finally:
        for connection in slow:
            connection.close()


def test_a_product_that_is_away_is_503(front: Front) -> None:
    """Last in this file: without the web server behind it, nginx answers in the error format."""
    text = (front.folder / "site.conf").read_text()
    away = text.replace(f"127.0.0.1:{front.web_port}", f"127.0.0.1:{free_port()}")
    (front.folder / "site.conf").write_text(away)
    process = int((front.folder / "pid").read_text())
    os.kill(process, 1)  # SIGHUP: read the configuration anew
    deadline = time.monotonic() + 20
    while (status_line := front.call("GET", "/hub/v1/health"))[0] == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    status, head, content = status_line
    assert status == 503
    assert b"Retry-After: 1" in head
    assert set(json.loads(content)) == {"message", "logref", "data", "errors"}
