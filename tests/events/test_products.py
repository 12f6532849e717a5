from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

from django.db import connection

from events.models import Product
from tests.factories import Hub


def post(hub: Hub, event_type: str, properties: Any, date: str = "2021-01-01") -> None:
    customer = hub.post_customer(base={"contacts": {"email": "a@b.it"}})["id"]
    body = {"customerId": customer, "type": event_type, "context": "WEB", "date": date}
    answer = hub.trusted.post(f"{hub.path}/events", body | {"properties": properties})
    assert answer.status == 202, answer.content


def product(hub: Hub, product_id: str = "P") -> Product:
    return Product.objects.get(workspace=hub.workspace, product_id=product_id)


def test_events_describe_products(hub: Hub) -> None:
    line = {"id": "P", "sku": "S", "name": "Scarf", "price": 19.9, "category": ["wool"]}
    order = {"orderId": "O", "products": [line | {"type": "sale"}, {"id": "Q"}, {"name": "no id"}]}
    post(hub, "completedOrder", order)
    scarf = product(hub)
    assert (scarf.sku, scarf.name, scarf.price, scarf.categories) == (
        "S", "Scarf", Decimal("19.9"), ["wool"],
    )  # fmt: skip
    assert Product.objects.count() == 2
    post(hub, "viewedProduct", {"id": "P", "price": 25}, "2021-02-01")
    scarf = product(hub)
    assert (scarf.name, scarf.price) == ("Scarf", Decimal(25))
    assert f"{scarf.first_seen:%m}{scarf.last_seen:%m}" == "0102"


def test_old_events_do_not_undo_newer_ones(hub: Hub) -> None:
    post(hub, "viewedProduct", {"id": "P", "name": "New"}, "2021-02-01")
    post(hub, "viewedProduct", {"id": "P", "name": "Old"}, "2021-01-01")
    assert product(hub).name == "New"


def test_only_the_types_of_the_policy(hub: Hub) -> None:
    path = f"{hub.configuration}/products/update-policy"
    answer = hub.admin.put(path, {"eventTypes": ["completedOrder"]})
    assert answer.status == 200, answer.content
    post(hub, "viewedProduct", {"id": "P"})
    post(hub, "loggedIn", {})
    assert not Product.objects.exists()


def test_impossible_prices_and_ids(hub: Hub) -> None:
    post(hub, "viewedProduct", {"id": "P", "price": 1e300})
    assert product(hub).price is None
    post(hub, "viewedProduct", {"id": "Q", "price": 0.1 + 0.2})
    assert product(hub, "Q").price == Decimal("0.3")
    post(hub, "viewedProduct", {"name": "no id"})
    assert Product.objects.count() == 2


def test_orders_of_the_same_products_at_once(live_hub: Hub) -> None:
    """They wait for each other, and never in a circle."""
    hub = live_hub
    customer = hub.post_customer()["id"]
    statuses: list[int] = []

    def order(turn: int) -> None:
        try:
            for number in range(10):
                lines = [
                    {"id": f"P{(turn + step) % 6}", "name": f"{turn}-{number}"} for step in range(6)
                ]
                body = {"customerId": customer, "type": "completedOrder", "context": "WEB"}
                properties = {"products": lines if turn % 2 else lines[::-1]}
                answer = hub.trusted.post(f"{hub.path}/events", body | {"properties": properties})
                statuses.append(answer.status)
        finally:
            connection.close()

    threads = [threading.Thread(target=order, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * 60
    assert Product.objects.count() == 6
