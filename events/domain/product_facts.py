"""Extracts data of products from the properties of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from configuration.domain.event_schema import carried_products

LONGEST_ID = 255
DEAREST = Decimal(10) ** 17


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """The data of a product in one or more events; None for absent values."""

    product_id: str
    seen: datetime
    sku: str | None = None
    name: str | None = None
    price: Decimal | None = None
    categories: list[str] | None = None
    extended: Mapping[str, Any] = field(default_factory=dict)

    def merged_with(self, later: ProductFacts) -> ProductFacts:
        """Return the merged data; the later value wins where both have one."""
        return replace(
            later,
            sku=self.sku if later.sku is None else later.sku,
            name=self.name if later.name is None else later.name,
            price=self.price if later.price is None else later.price,
            categories=self.categories if later.categories is None else later.categories,
            extended={**self.extended, **later.extended},
        )


def facts_of(events: Iterable[tuple[Mapping[str, Any], datetime]]) -> list[ProductFacts]:
    """Return the data of products in events, given by properties and date; one for each product.

    Products without an id of the client's cannot be identified, and are left out. In the order of
    their ids, to avoid deadlocks of writers.
    """
    known: dict[str, ProductFacts] = {}
    for properties, date in sorted(events, key=lambda event: event[1]):
        for product in carried_products(properties):
            facts = _facts(product, date)
            if facts is not None:
                before = known.get(facts.product_id)
                known[facts.product_id] = facts if before is None else before.merged_with(facts)
    return [known[product_id] for product_id in sorted(known)]


def _facts(product: Mapping[str, Any], date: datetime) -> ProductFacts | None:
    product_id = product.get("id")
    if not isinstance(product_id, str) or not 0 < len(product_id) <= LONGEST_ID:
        return None
    extended = product.get("extended") or {}
    return ProductFacts(
        product_id=product_id,
        seen=date,
        sku=product.get("sku"),
        name=product.get("name"),
        price=_price(product.get("price")),
        categories=product.get("category"),
        extended={name: value for name, value in extended.items() if value is not None},
    )


def _price(value: Any) -> Decimal | None:
    if value is None:
        return None
    price = Decimal(str(value))
    return round(price, 6) if abs(price) < DEAREST else None
