"""Names of metrics; analytics/sql/measures.sql defines them."""

from __future__ import annotations

# Metrics that are sums. Those that are not kept by day have the day EVER.
CUSTOMERS = "customers"  # by channel
REGISTRATIONS = "registrations"
CUSTOMERS_ADDED = "customers added"
CUSTOMERS_UPDATED = "customers updated"
CUSTOMERS_DELETED = "customers deleted"
EVENTS = "events"
EVENT_TYPES = "event types"  # by "type context"
EVENTS_ADDED = "events added"
EVENTS_UPDATED = "events updated"
EVENTS_DELETED = "events deleted"
# Of orders, by context.
ORDERS = "orders"
RETURNS = "returns"
SPENDING = "spending"
REVENUE = "revenue"
ITEMS = "items"
# Metrics that count distinct people.
BUYERS = "buyers"  # by context, and by ALL
VISITORS = "visitors"
SESSIONS = "sessions"

# The class of the advisory lock for folding and recounting a workspace's counters.
LOCK_CLASS = 0x666F6C64
