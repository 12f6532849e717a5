"""Chains of requests that a machine makes up along the links of our OpenAPI document.

What one answer has made, the next request reads, changes, deletes, and reads again.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import ensure_resource_availability, use_after_free

from contacthub_project.messaging.shared_version import shared_version
from tests.contract import test_schemathesis
from tests.factories import Hub

schema = test_schemathesis.described()
schema.config.generation.update(modes=[GenerationMode.POSITIVE])

CHECKS = [use_after_free, ensure_resource_availability]
CHAINS, STEPS = 70, 12
NEW = "/workspaces/{workspaceId}"


def body_for(path: str, number: int, known: dict[str, Any]) -> Any:
    """What makes something, so that a chain has a beginning; None where anything will do."""
    node = known["nodeId"]
    return {
        "/workspaces": {
            "name": "W", "slug": f"w-{number}", "groupPk": 1, "shard": "default",
        },
        f"{NEW}/customers": {"nodeId": node, "base": {"contacts": {"email": f"{number}@x.it"}}},
        f"{NEW}/customers/{{customerId}}/sessions": {"value": f"session-{number}"},
        f"{NEW}/customers/{{customerId}}/subscriptions": {"id": f"s{number}", "subscribed": True},
        f"{NEW}/customers/{{customerId}}/jobs": {"id": f"j{number}"},
        f"{NEW}/configuration/nodes/entries": {"name": f"Node {number}"},
        f"{NEW}/configuration/nodes/aggregates": {
            "name": f"Aggregate {number}", "entryNodes": [node],
            "matchingProperties": {"properties": ["base.contacts.email"], "caseSensitive": False},
        },
        f"{NEW}/configuration/sources": {
            "provider": "API", "name": f"Source {number}", "nodes": [node],
        },
    }.get(path)  # fmt: skip


@pytest.mark.timeout(300)
def test_chains_of_requests(hub: Hub) -> None:
    known = test_schemathesis.ids_of(hub)
    followed: Counter[tuple[str, int]] = Counter()

    class Chains(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            # Every chain finds the same: a machine that repeats one must see it happen again.
            self.numbers = itertools.count()
            self.savepoint = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.savepoint)
            shared_version.advance()

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {hub.operator.token}"}}

        def step(self, input: Any) -> Any:
            case = input.case
            test_schemathesis.ask_for_rfc_3339(case)
            if input.transition is None:
                # A chain begins where there is something to work on.
                for name in set(case.path_parameters) & set(known):
                    case.path_parameters[name] = known[name]
            if case.method == "POST":
                case.body = body_for(case.path, next(self.numbers), known) or case.body
            return super().step(input)

        def call(self, case: Any, **options: Any) -> Any:
            # In a test's transaction nothing is ever committed: what waits for it is run by hand.
            with TestCase.captureOnCommitCallbacks(execute=True):
                return super().call(case, **options)

        def after_call(self, response: Any, case: Any) -> None:
            super().after_call(response, case)
            followed[f"{case.method} {case.path}", response.status_code] += 1

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            checks = [*test_schemathesis.checks_of(case), *CHECKS]
            case.validate_response(
                response, checks=checks, transport_kwargs=options, recorder=self.recorder
            )

    run_state_machine_as_test(
        Chains,
        settings=settings(
            max_examples=CHAINS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    made = {path for (path, status), _ in followed.items() if status < 300 and path.count("{") > 1}
    assert len(made) >= 15, "the chains lead nowhere"
