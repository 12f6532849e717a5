"""`.venv/bin/python -m tests.benchmarks.pages`: server time of every page of the back-office.

Seeds BENCHMARK_CUSTOMERS (200,000) and as many events, and opens each page that takes no key, and the
first row of each list, BENCHMARK_ROUNDS times as an operator who is a privacy officer too. Prints the
median of each, slowest first. BENCHMARK_FOLDER keeps the data for another run.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CUSTOMERS = int(os.environ.get("BENCHMARK_CUSTOMERS", "200000"))
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "3"))
AIM = 0.3  # seconds
QUERIES = {
    "customers": (
        {"q": "rossi"}, {"q": "rossi", "sort": "base.lastName,asc"}, {"page": "3"},
        {"q": "333 12"}, {"q": "@example.com"},
    ),
    "events": ({"type": "completedOrder"}, {"context": "WEB"}),
    "dashboard": ({"days": "90"}, {"days": "365"}),
}  # fmt: skip


def main() -> None:
    folder = os.environ.get("BENCHMARK_FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(folder or temporary)
        data.mkdir(parents=True, exist_ok=True)
        os.environ["CONTACTHUB_DATA"] = str(data)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
        from contacthub_project.runtime.embedded import servers

        attached = servers(data=data, postgres=True, valkey=True)
        try:
            for server in attached:
                server.attach()
            _measure(data)
        finally:
            for server in reversed(attached):
                server.detach()


def _measure(data: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from configuration.models import User
    from contacthub_project.runtime.demo import ensure_demo

    call_command("migrate", interactive=False, verbosity=0)
    facts = ensure_demo(file=data / "facts.json", base_url="http://localhost")
    _seed()
    staff = User.objects.get(username="operator")
    staff.roles = ["CLAB_OPERATOR", "DPO"]
    staff.save()
    browser = Client(headers={"host": "localhost"})
    browser.force_login(staff)
    timed = []
    for address in _addresses(facts["workspaceId"], browser):
        taken = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            answer = browser.get(address, secure=True)
            if answer.streaming:
                b"".join(answer.streaming_content)  # type: ignore[arg-type]
            taken.append(time.perf_counter() - started)
        timed.append((statistics.median(taken[1:]), max(taken), answer.status_code, address))
    refused = [(status, address) for _, _, status, address in timed if status >= 400]
    print(f"refused: {refused}", file=sys.stderr)
    print("| page | median ms | slowest ms | status |\n|---|---|---|---|")
    for median, slowest, status, address in sorted(timed, reverse=True):
        template = address.replace(facts["workspaceId"], "…")
        mark = " **slow**" if median > AIM else ""
        print(f"| `{template}` | {median * 1000:.0f}{mark} | {slowest * 1000:.0f} | {status} |")
    slow = sum(median > AIM for median, *_ in timed)
    print(f"{len(timed)} pages, {slow} over {AIM} s", file=sys.stderr)


def _seed() -> None:
    from django.core.management import call_command
    from django.db import connection

    from analytics.actions import folding
    from customers.models import Customer

    if Customer.objects.count() >= CUSTOMERS:
        return
    call_command("seed_demo", customers=CUSTOMERS, events=CUSTOMERS)
    while not folding.fold_all(seconds=60):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _addresses(workspace: str, browser: Any) -> Iterator[str]:
    """Yield the pages without a key, lists of models with filters, and first rows."""
    from django.contrib import admin
    from django.urls import NoReverseMatch, reverse

    from contacthub_project.admin.urls import urlpatterns
    from customers.models import Customer
    from events.models import Event

    customer = Customer.objects.order_by("id").first()
    event = Event.objects.order_by("-id").first()
    assert customer is not None
    assert event is not None
    keys: dict[str, Any] = {
        "customer_id": customer.id, "event_id": event.id, "node_id": customer.node_id,
    }  # fmt: skip
    for pattern in urlpatterns:
        parameters = set(pattern.pattern.converters) - {"workspace_id"}
        if not parameters <= set(keys):
            continue
        parts = {name: keys[name] for name in parameters}
        if "workspace_id" in pattern.pattern.converters:
            parts["workspace_id"] = workspace
        address = reverse(f"office:{pattern.name}", kwargs=parts)
        yield address
        for query in QUERIES.get(pattern.name, ()):
            yield address + "?" + "&".join(f"{name}={value}" for name, value in query.items())
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_changelist") + "?q=a"
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            try:
                yield reverse(f"{name}_change", args=[row.pk])
            except NoReverseMatch:
                continue
    yield reverse("admin:search") + "?s=rossi&extended=1"


if __name__ == "__main__":
    main()
