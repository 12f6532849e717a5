"""The product's API as clients made from its document meet it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.management import call_command
from django.db import connections

from tests.wsgi import application


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document as a JSON file."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    call_command("spectacular", format="openapi-json", file=str(file))
    return file


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def api_server(transactional_db: None) -> Iterator[str]:
    """The address of a server that answers as the product does; one request at a time."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Silent)

    def serve() -> None:
        server.serve_forever(poll_interval=0.05)
        connections.close_all()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
