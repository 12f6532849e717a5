"""Names of what is counted; analytics/sql/measures.sql says how."""

from __future__ import annotations

# Metrics that are sums. The day of those without a moment is EVER.
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
# Metrics that count heads.
BUYERS = "buyers"  # by context, and by ALL
VISITORS = "visitors"
SESSIONS = "sessions"

# Whoever folds or recounts a workspace's counters holds this lock of it.
LOCK_CLASS = 0x666F6C64
