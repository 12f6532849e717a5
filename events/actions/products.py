"""Keeps the registry of products up to date with events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from configuration.queries.rules import WorkspaceRules
from contacthub_project.core.identifiers import new_id
from contacthub_project.db.sql import fetch_all, fetch_one, load
from events.domain.draft import Content
from events.domain.product_facts import ProductFacts, facts_of

# A product that is only seen again is written at most once per this interval: a popular
# product occurs in many events, whose transactions would wait for each other.
SEEN_PRECISION = timedelta(minutes=1)

KNOWN = """
SELECT product_id, sku, name, price, categories::text, extended::text, last_seen
FROM events_product WHERE workspace_id = %s AND product_id = ANY (%s)
"""
UPSERT = load("events/sql/upsert_products")


def note_products(workspace: WorkspaceRules, contents: Iterable[Content]) -> None:
    """Insert and update the products of events whose types update the registry."""
    noted = [
        (content.properties, content.date)
        for content in contents
        if workspace.event_types[content.type].updates_products
    ]
    facts = facts_of(noted) if noted else []
    if not facts:
        return
    rows = fetch_all(KNOWN, [workspace.id, [each.product_id for each in facts]])
    known = {stored.product_id: stored for stored in map(_stored, rows)}
    changed = [each for each in facts if _is_newer(each, known.get(each.product_id))]
    if not changed:
        return
    fetch_one(
        UPSERT,
        {
            "workspace_id": workspace.id,
            "ids": [new_id() for _ in changed],
            "product_ids": [each.product_id for each in changed],
            "skus": [each.sku for each in changed],
            "names": [each.name for each in changed],
            "prices": [each.price for each in changed],
            "categories": [
                None if each.categories is None else orjson.dumps(each.categories).decode()
                for each in changed
            ],
            "extendeds": [orjson.dumps(dict(each.extended)).decode() for each in changed],
            "seens": [each.seen for each in changed],
        },
    )


def _stored(row: tuple[Any, ...]) -> ProductFacts:
    product_id, sku, name, price, categories, extended, last_seen = row
    return ProductFacts(
        product_id=product_id,
        seen=last_seen,
        sku=sku,
        name=name,
        price=None if price is None else Decimal(price),
        categories=orjson.loads(categories),
        extended=orjson.loads(extended),
    )


def _is_newer(given: ProductFacts, known: ProductFacts | None) -> bool:
    if known is None:
        return True
    if given.seen < known.seen:
        return False
    together = known.merged_with(given)
    if given.seen - known.seen >= SEEN_PRECISION:
        return True
    return replace(together, seen=known.seen) != known
