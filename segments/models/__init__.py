from segments.models.feed_cursor import FeedCursor, PendingCustomer
from segments.models.membership import (
    DueEvaluation,
    ListedCustomer,
    Member,
    MembershipChange,
    SizeOfDay,
)
from segments.models.segment import Segment, SegmentKind, SegmentState

__all__ = [
    "DueEvaluation",
    "FeedCursor",
    "ListedCustomer",
    "Member",
    "MembershipChange",
    "PendingCustomer",
    "Segment",
    "SegmentKind",
    "SegmentState",
    "SizeOfDay",
]
