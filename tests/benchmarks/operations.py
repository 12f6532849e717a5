"""The requests that benchmarks compare: of the product, and of the bare function beside it."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.breakdown import customer
from tests.benchmarks.load import http_request

PROPERTIES = {"url": "https://shop.example/scarves/red", "title": "Red scarves", "path": "/scarves"}
Request = Callable[[], bytes]


class Operations:
    """Makes requests about customers in turns; `ours` and `bare` are ids that are there."""

    def __init__(self, facts: dict[str, Any], ours: Sequence[str], bare: Sequence[str]) -> None:
        self._token, self._node = facts["tokens"]["trusted"], facts["nodeIds"][0]
        self._hub = f"/hub/v1/workspaces/{facts['workspaceId']}"
        self._numbers = itertools.count()
        self._ours, self._bare = itertools.cycle(ours), itertools.cycle(bare)

    def pairs(self) -> dict[str, tuple[Request, Request]]:
        """By the name of an operation: the bare function's request, and ours."""
        return {
            "GET one customer": (
                lambda: http_request("GET", f"/{next(self._bare)}"),
                lambda: http_request("GET", self._path(next(self._ours)), token=self._token),
            ),
            "POST a customer": (self.new_bare, self.new_customer),
            "POST an event": (
                lambda: http_request("POST", "/", body=self._event()),
                lambda: self._sent("POST", f"{self._hub}/events", self._event()),
            ),
            "PATCH a customer": (
                lambda: http_request("PATCH", f"/{next(self._bare)}", body=self._change()),
                lambda: self.patch(next(self._ours)),
            ),
        }

    def new_bare(self) -> bytes:
        """The request that has the bare function store a customer."""
        return http_request("POST", "/", body=self._customer())

    def new_customer(self) -> bytes:
        """The request that makes a customer of ours."""
        return self._sent("POST", f"{self._hub}/customers", self._customer())

    def patch(self, customer_id: str) -> bytes:
        """The request that changes a customer of ours."""
        return self._sent("PATCH", self._path(customer_id), self._change())

    def _path(self, customer_id: str) -> str:
        return f"{self._hub}/customers/{customer_id}"

    def _sent(self, method: str, path: str, body: bytes) -> bytes:
        return http_request(method, path, token=self._token, body=body)

    def _customer(self) -> bytes:
        return customer(self._node, f"person{next(self._numbers)}-{uuid.uuid4()}")

    def _change(self) -> bytes:
        return json.dumps({"base": {"lastName": f"name{next(self._numbers)}"}}).encode()

    def _event(self) -> bytes:
        event = {"customerId": next(self._ours), "type": "viewedPage", "context": "WEB"}
        return json.dumps(event | {"properties": PROPERTIES}).encode()
