"""Statistics of one customer, computed from its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from analytics.domain.periods import Period
from contacthub_project.db.sql import fetch_all, fetch_one, load

BY_TYPE = load("analytics/sql/events_of_customer_by_type")
BUYING = load("analytics/sql/buying_behaviour")


@dataclass(frozen=True, slots=True)
class Buying:
    """A customer's completed orders of a period, in all contexts."""

    orders: int
    returns: int
    spending: Decimal
    revenue: Decimal
    items: Decimal
    last_purchase: datetime | None


def events_by_type(
    workspace_id: UUID, customers: Sequence[UUID], period: Period
) -> dict[str, dict[date, Decimal]]:
    """Return the number of events of each type on each day."""
    counts: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for event_type, day, count in fetch_all(
        BY_TYPE, _parameters(workspace_id, customers, period), prepare=False
    ):
        counts[event_type][day] = Decimal(count)
    return counts


def buying(workspace_id: UUID, customers: Sequence[UUID], period: Period) -> Buying:
    """Return the customer's purchases, returns and spending."""
    row = fetch_one(BUYING, _parameters(workspace_id, customers, period), prepare=False)
    orders, returns, spending, revenue, items, last_purchase = row
    return Buying(
        orders, returns, Decimal(spending), Decimal(revenue), Decimal(items), last_purchase
    )


def _parameters(workspace_id: UUID, customers: Sequence[UUID], period: Period) -> dict[str, object]:
    return {
        "workspace_id": workspace_id,
        "customers": list(customers),
        "zone": period.zone.key,
        "start": period.start,
        "end": period.end,
    }
