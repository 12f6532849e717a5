"""Where the time of a request goes, measured inside of one process without a network.

Run by `python -m tests.benchmarks`, in the environment of the product that it measures.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest import mock

REQUESTS = 2000
WARM_UP = 200

# What is timed, by the name under which its caller knows it.
STEPS = {
    "authentication": ["contacthub_project.api.authentication.authenticate"],
    "workspace and roles": ["configuration.api.scoping.WorkspaceScopedViewSet.initial"],
    "reading JSON": ["contacthub_project.api.viewsets.json_object"],
    "validation": ["configuration.domain.customer_schema.CustomerSchema.read"],
    "merge, key and consents": [
        "customers.actions.customers.for_create",
        "customers.actions.customers.match_key",
        "customers.actions.writes.consent_changes",
    ],
    "SQL": ["psycopg.Cursor.execute"],
    "commit": ["psycopg.Connection.commit"],
    "answer": [
        "customers.api.viewsets.customers.CustomerViewSet.serialized",
        "customers.api.scoping.customer_response",
        "customers.api.viewsets.customers.JsonResponse",
    ],
}


def main(workspace_id: str, node_id: str, token: str) -> None:
    """Print, for a POST and a GET, microseconds by step; the rest is server and framework."""
    from tests.client import ApiClient

    numbers = itertools.count()
    client = ApiClient(token)

    def call(method: str, path: str, body: bytes = b"") -> bytes:
        response = client.send(method, path, raw=body, absolute=True, Host="localhost")
        content: bytes = response.content  # type: ignore[attr-defined]
        return content

    customers = f"/hub/v1/workspaces/{workspace_id}/customers"

    def post() -> bytes:
        return call("POST", customers, customer(node_id, f"breakdown{next(numbers)}{time.time()}"))

    one = f"{customers}/{json.loads(post())['id']}"
    for name, request in (
        ("POST /customers", post),
        ("GET one customer", lambda: call("GET", one)),
    ):
        _report(name, request)


def customer(node_id: str, name: str) -> bytes:
    """A customer of about one kilobyte."""
    return json.dumps(
        {
            "nodeId": node_id,
            "externalId": name,
            "base": {
                "firstName": "Ada", "lastName": "Lovelace", "dob": "1815-12-10",
                "contacts": {"email": f"{name}@example.com", "mobilePhone": "+390212345678"},
                "address": {"street": "Via Roma 1", "city": "Milano", "zip": "20121"},
                "subscriptions": [{"id": "news", "name": "News", "subscribed": True}],
            },
            "consents": {"marketing": {"automatic": {"email": {"status": True}}}},
            "tags": {"manual": ["vip", "shop"]},
            "extra": "x" * 400,
        }
    ).encode()  # fmt: skip


def _report(name: str, request: Callable[[], bytes]) -> None:
    spent: dict[str, float] = defaultdict(float)
    for _ in range(WARM_UP):
        request()
    with _timers(spent):
        started = time.perf_counter()
        for _ in range(REQUESTS):
            request()
        whole = time.perf_counter() - started
    spent["workspace and roles"] = max(spent["workspace and roles"], 0.0)
    rest = whole - sum(spent.values())
    print(f"\n{name}: {whole / REQUESTS * 1e6:.0f} µs")
    for step, seconds in [*spent.items(), ("handler, middleware, routing, view", rest)]:
        print(f"  {step:36} {seconds / REQUESTS * 1e6:6.0f} µs  {seconds / whole:4.0%}")


class _timers:
    """Replaces every step's functions by timed ones."""

    def __init__(self, spent: dict[str, float]) -> None:
        self.spent = spent
        self.patches = []
        for step, targets in STEPS.items():
            spent[step] = 0.0
            for target in targets:
                self.patches.append(self._patch(step, target))

    def _patch(self, step: str, target: str) -> Any:
        patcher = mock.patch(target, autospec=False)
        original, _ = patcher.get_original()

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                self.spent[step] += time.perf_counter() - started

        return mock.patch(target, timed)

    def __enter__(self) -> None:
        for patch in self.patches:
            patch.start()

    def __exit__(self, *_: Any) -> None:
        for patch in self.patches:
            patch.stop()


if __name__ == "__main__":
    main(*sys.argv[1:4])
