from segments.models.following import Follower, PendingCustomer
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
    "Follower",
    "ListedCustomer",
    "Member",
    "MembershipChange",
    "PendingCustomer",
    "Segment",
    "SegmentKind",
    "SegmentState",
    "SizeOfDay",
]
