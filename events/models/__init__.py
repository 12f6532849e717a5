from events.models.deleted_event import DeletedEvent
from events.models.dropped import DroppedEvents
from events.models.event import BringBackType, Event, Origin
from events.models.merged_event import MergedEvent
from events.models.product import Product
from events.models.purge import PurgeRun

__all__ = [
    "BringBackType",
    "DeletedEvent",
    "DroppedEvents",
    "Event",
    "MergedEvent",
    "Origin",
    "Product",
    "PurgeRun",
]
