"""The Python client that openapi-python-client makes of the document, against the product."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from contacthub_project.api import BASE_PATH
from tests.factories import Hub
from tests.openapi_clients.steps import EVENT_QUERY, LOYALTY

PACKAGE = "contacthub_api_client"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def generated(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the generator said; its package can be imported."""
    folder = tmp_path_factory.mktemp("python")
    programs = Path(sys.executable).parent
    made = subprocess.run(
        [
            programs / "openapi-python-client", "generate", "--path", document,
            "--output-path", folder, "--overwrite", "--fail-on-warning",
        ],
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield made.stdout + made.stderr
    sys.path.remove(str(folder))


def part(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def test_nothing_is_left_out(generated: str) -> None:
    assert "Warning" not in generated
    models = part("models")
    for name in ("CustomerBase", "CustomerConsents", "CustomerExtended", "CustomerAddress"):
        assert hasattr(models, name)
    # The object's own name, not one that tells where it stood.
    inside = set(models.CustomerBase.__annotations__)
    assert {"first_name", "contacts", "address", "subscriptions"} <= inside


def test_the_main_path(generated: str, live_hub: Hub, api_server: str) -> None:
    hub = live_hub
    extended = f"{hub.configuration}/properties/extended"
    assert hub.operator.put(extended, LOYALTY).status == 200
    with part("client").AuthenticatedClient(
        base_url=api_server + BASE_PATH, token=hub.trusted.token,
        raise_on_unexpected_status=True,
    ) as client:  # fmt: skip
        _walk(hub, client)


def _walk(hub: Hub, client: Any) -> None:
    models = part("models")

    def call(operation: str, *arguments: Any, **options: Any) -> Any:
        called = part(f"api.{operation}").sync_detailed
        return called(hub.workspace.id, *arguments, client=client, **options)

    body = models.CustomerInput(
        node_id=hub.node.id,
        base=models.CustomerBase(
            first_name="Zoë",
            dob=date(1990, 2, 28),
            contacts=models.CustomerContacts(email="zoe@example.com"),
            address=models.CustomerAddress(city="Verona"),
        ),
        extended=models.CustomerExtended.from_dict({"loyalty": {"points": 3, "level": "gold"}}),
        consents=models.CustomerConsents(
            marketing=models.CustomerConsentsMarketing(
                automatic=models.CustomerConsentsMarketingAutomatic(
                    email=models.CustomerConsent(status=True)
                )
            )
        ),
    )
    created = call("customers.create_customer", body=body)
    assert created.status_code == HTTPStatus.CREATED
    customer = call("customers.get_customer", created.parsed.id).parsed
    assert customer == created.parsed
    assert (customer.base.first_name, customer.base.dob) == ("Zoë", date(1990, 2, 28))
    assert customer.base.address.city == "Verona"
    assert customer.extended["loyalty"] == {"points": 3, "level": "gold"}
    assert customer.consents.marketing.automatic.email.status is True
    assert customer.registered_at.utcoffset() is not None

    # What was read can be sent again.
    again = models.CustomerInput.from_dict(customer.to_dict())
    assert call("customers.update_customer", customer.id, body=again).parsed.base == customer.base

    subscription = models.CustomerSubscription(id="news", subscribed=True)
    made = call("customers.create_subscription", customer.id, body=subscription)
    assert (made.status_code, made.parsed.id) == (HTTPStatus.CREATED, "news")

    event = models.EventInput(
        customer_id=customer.id,
        type_=models.EventType.VIEWEDPAGE,
        context=models.EventContext.WEB,
        properties=models.EventInputProperties.from_dict({"url": "https://example.com/shoes"}),
    )
    assert call("events.create_event", body=event).status_code == HTTPStatus.ACCEPTED
    [seen] = call("events.list_events", customer_id=customer.id).parsed.elements
    assert seen.properties["url"] == "https://example.com/shoes"
    found = call("customers.list_customers", node_id=hub.node.id, query=EVENT_QUERY).parsed
    assert [each.id for each in found.elements] == [customer.id]

    assert call("customers.delete_customer", customer.id).status_code == HTTPStatus.OK
    gone = call("customers.get_customer", customer.id)
    assert (gone.status_code, type(gone.parsed)) == (HTTPStatus.NOT_FOUND, models.Error)
    refused = call("customers.create_customer", body=models.CustomerInput(node_id=hub.node.id))
    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert refused.parsed.errors[0].path == "/base/contacts/email"
