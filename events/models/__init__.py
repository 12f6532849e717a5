from events.models.dropped import DroppedEvents
from events.models.event import BringBackType, Event, Origin
from events.models.idempotency import IdempotencyKey
from events.models.product import Product
from events.models.purge import PurgeRun

__all__ = [
    "BringBackType",
    "DroppedEvents",
    "Event",
    "IdempotencyKey",
    "Origin",
    "Product",
    "PurgeRun",
]
