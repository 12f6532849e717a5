from customers.models.absence import CustomerAbsence
from customers.models.aggregate_member import AggregateBuild, AggregateMember, PendingMerge
from customers.models.aggregate_pin import AggregatePin
from customers.models.change import Change, ChangeEntity, ChangeOperation
from customers.models.consent_log import ConsentLogEntry, ConsentLogType
from customers.models.customer import Customer, DeletedCustomer, DeletedState
from customers.models.data_subject_request import (
    DataSubjectRequest,
    RequestState,
    RequestType,
)
from customers.models.deleted_session import DeletedSession
from customers.models.duplicates import (
    BlockingKey,
    DuplicatePair,
    DuplicateSearch,
    DuplicateState,
)
from customers.models.erasure_receipt import ErasureCause, ErasureReceipt, ErasureScope
from customers.models.feed import Feed
from customers.models.matching_key import MatchingKey
from customers.models.new_key import NewKey
from customers.models.record_merge import FormerIdentity, MergedCustomer, RecordMerge
from customers.models.refusal import QuarantinedRequest, RefusalCount
from customers.models.saved_search import SavedSearch
from customers.models.session import Session
from customers.models.suppression import SuppressedKind, SuppressedValue
from customers.models.value_change import ChangeCause, ValueChange
from customers.models.webhook import Webhook, WebhookAttempt, WebhookState

__all__ = [
    "AggregateBuild",
    "AggregateMember",
    "AggregatePin",
    "BlockingKey",
    "Change",
    "ChangeCause",
    "ChangeEntity",
    "ChangeOperation",
    "ConsentLogEntry",
    "ConsentLogType",
    "Customer",
    "CustomerAbsence",
    "DataSubjectRequest",
    "DeletedCustomer",
    "DeletedSession",
    "DeletedState",
    "DuplicatePair",
    "DuplicateSearch",
    "DuplicateState",
    "ErasureCause",
    "ErasureReceipt",
    "ErasureScope",
    "Feed",
    "FormerIdentity",
    "MatchingKey",
    "MergedCustomer",
    "NewKey",
    "PendingMerge",
    "QuarantinedRequest",
    "RecordMerge",
    "RefusalCount",
    "RequestState",
    "RequestType",
    "SavedSearch",
    "Session",
    "SuppressedKind",
    "SuppressedValue",
    "ValueChange",
    "Webhook",
    "WebhookAttempt",
    "WebhookState",
]
