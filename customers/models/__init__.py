from customers.models.aggregate_member import AggregateBuild, AggregateMember, PendingMerge
from customers.models.change import Change, ChangeEntity, ChangeOperation
from customers.models.consent_log import ConsentLogEntry, ConsentLogType
from customers.models.customer import Customer, DeletedState
from customers.models.feed import Feed
from customers.models.new_key import NewKey
from customers.models.session import Session

__all__ = [
    "AggregateBuild",
    "AggregateMember",
    "Change",
    "ChangeEntity",
    "ChangeOperation",
    "ConsentLogEntry",
    "ConsentLogType",
    "Customer",
    "DeletedState",
    "Feed",
    "NewKey",
    "PendingMerge",
    "Session",
]
