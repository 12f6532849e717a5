"""The whole product, started as a user starts it: web, worker, beat, crash and recovery."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from contacthub_project.runtime.embedded import PostgresServer, ValkeyServer
from tests.product import ROOT, Product, free_port, running

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("hub") / "data") as started:
        yield started


def test_it_says_how_to_begin(product: Product) -> None:
    reported = "".join(product.output)
    facts = product.facts
    assert facts["baseUrl"] == f"http://localhost:{product.port}"
    for text in (
        "/docs",
        "/admin/",
        "curl -i",
        facts["tokens"]["trusted"],
        facts["login"]["password"],
    ):
        assert text in reported
    assert len(facts["nodeIds"]) == 2
    assert set(facts["tokens"]) == {"trusted", "untrusted", "operator", "admin", "dpo"}
    assert stat.S_IMODE((product.data / "demo.json").stat().st_mode) == 0o600
    for token in facts["tokens"]:
        assert product.call("GET", f"{product.hub}/me", token=token)[0] == 200


def test_the_first_customer(product: Product) -> None:
    status, created = product.post("first@example.com")
    assert status == 201
    read = product.call("GET", f"{product.workspace}/customers/{created['id']}")
    assert read == (200, created)
    assert product.post("FIRST@example.com")[0] == 200


def test_everything_is_healthy_and_measured(product: Product) -> None:
    _, health = product.call("GET", f"{product.hub}/health")
    assert health["status"] == "UP"
    with urllib.request.urlopen(f"http://127.0.0.1:{product.port + 1}/metrics") as answer:
        text = answer.read().decode()
    assert 'route="/health"' in text
    assert "first@example.com" not in text


def test_the_second_on_one_folder_says_so_and_ends(product: Product) -> None:
    assert product.process is not None
    before = sorted(product.data.iterdir())
    for port in (product.port, free_port()):
        command = [sys.executable, str(ROOT / "run"), "--port", str(port)]
        done = subprocess.run(
            [*command, "--data", str(product.data)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2
        assert done.stderr == (
            f"./run: Contacthub runs on {product.data} already (process {product.process.pid});"
            " stop it, or choose another folder with --data\n"
        )
    assert sorted(product.data.iterdir()) == before
    assert product.call("GET", f"{product.hub}/health")[1]["status"] == "UP"


def test_the_web_server_alone(product: Product) -> None:
    port = free_port()
    command = [sys.executable, str(ROOT / "manage.py"), "web", "--port", str(port)]
    environment = os.environ | {"CONTACTHUB_DATA": str(product.data), "HTTPS": "true"}
    alone = subprocess.Popen([*command, "--workers", "1"], env=environment)
    try:
        reported = _requested(f"http://127.0.0.1:{port}/hub/v1/health")
        assert b'"database":{"status":"UP"}' in reported
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/v1/me")
        assert b'route="/health"' in _requested(f"http://127.0.0.1:{port + 1}/metrics")
        assert product.call("GET", f"{product.hub}/health")[0] == 200
    finally:
        alone.terminate()
    assert alone.wait(30) == 0


def _requested(url: str) -> bytes:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.read()
        except urllib.error.URLError:
            assert time.monotonic() < deadline, url
            time.sleep(0.2)


def test_two_hundred_parallel_posts_of_one_person(product: Product) -> None:
    statuses: list[int] = []

    def post() -> None:
        statuses.append(product.post("crowd@example.com")[0])

    threads = [threading.Thread(target=post) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 199 + [201]


def test_a_real_worker_removes_what_was_deleted(product: Product) -> None:
    nodes = f"{product.workspace}/configuration/nodes/entries"
    _, node = product.call("POST", nodes, {"name": "Doomed"}, token="admin")
    body = {"nodeId": node["id"], "base": {"contacts": {"email": "gone@example.com"}}}
    status, _ = product.call("POST", f"{product.workspace}/customers", body, token="admin")
    assert status == 201
    assert product.call("DELETE", f"{nodes}/{node['id']}", token="admin")[0] == 204
    address = PostgresServer(product.data)._address("contacthub")
    with psycopg.connect(address, autocommit=True) as connection:
        count = "SELECT count(*) FROM customers_customer WHERE node_id = %s"
        deadline = time.monotonic() + 20
        while connection.execute(count, [node["id"]]).fetchone() != (0,):
            assert time.monotonic() < deadline, "the worker has not removed the customers"
            time.sleep(0.1)


def test_a_killed_worker_loses_and_doubles_nothing(product: Product) -> None:
    rows = 6000
    lines = "".join(f"bulk{number}@example.com,t{number}\n" for number in range(rows))
    job = product.upload(f"base.contacts.email,tags.manual\n{lines}")
    path = f"{product.workspace}/nodes/{product.facts['nodeIds'][0]}/bulk-jobs/{job['id']}"
    deadline = time.monotonic() + 100
    is_killed = False
    while True:
        _, job = product.call("GET", path)
        if job["status"] == "PROCESSED":
            break
        assert time.monotonic() < deadline, job
        if job["processedEntities"] and not is_killed:
            assert product.process is not None
            for child in psutil.Process(product.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "worker" in child.cmdline():
                        child.kill()
            is_killed = True
        time.sleep(0.02)
    assert is_killed
    assert (job["processedEntities"], job["failedEntities"]) == (rows, 0)
    address = PostgresServer(product.data)._address("contacthub")
    with psycopg.connect(address) as connection:
        counts = connection.execute(
            "SELECT count(*), count(DISTINCT base #>> '{contacts,email}'), max(version)"
            " FROM customers_customer WHERE base #>> '{contacts,email}' LIKE 'bulk%'"
        ).fetchone()
    assert counts == (rows, rows, 1)


def test_what_dies_comes_back(product: Product) -> None:
    postgres = PostgresServer(product.data)
    os.kill(postgres.pid() or 0, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:
        try:
            status, _ = product.post("phoenix@example.com")
            break
        except urllib.error.HTTPError as refused:
            error = json.loads(refused.read())
            assert refused.code == 503, error
            assert set(error) == {"message", "logref", "data", "errors"}
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status in {200, 201}


def test_nothing_acknowledged_is_lost_when_everything_is_killed(product: Product) -> None:
    acknowledged: list[str] = []
    stopping = threading.Event()

    def write(name: int) -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            try:
                status, customer = product.post(f"writer{name}-{number}@example.com")
                assert status == 201
                acknowledged.append(f"customers/{customer['id']}")
                event = {"type": "loggedIn", "context": "WEB", "properties": {}}
                event["customerId"] = customer["id"]
                status, taken = product.call("POST", f"{product.workspace}/events", event)
                assert status == 202
                acknowledged.append(f"events/{taken['id']}")
            except urllib.error.HTTPError as refused:
                assert refused.code == 503
            except OSError:
                return

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    product.kill_everything()
    stopping.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > 50
    tokens = product.facts["tokens"]
    assert (product.data / "run.lock").exists(), "left behind, and in nobody's way"
    product.start()
    assert product.facts["tokens"] == tokens, "the demo's tokens last"
    for path in acknowledged:
        assert product.call("GET", f"{product.workspace}/{path}")[0] == 200


def test_a_signal_stops_all_of_it(product: Product) -> None:
    product.stop()
    assert product.process is not None
    assert product.process.returncode == 0
    assert not PostgresServer(product.data).is_alive()
    assert not ValkeyServer(product.data).is_alive()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", product.port)) != 0
