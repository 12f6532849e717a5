from analytics.models.counter import Counter, Presence
from analytics.models.delta import Delta
from analytics.models.ledger import Ledger
from analytics.models.operations import FailedTask, OperationsSample

__all__ = ["Counter", "Delta", "FailedTask", "Ledger", "OperationsSample", "Presence"]
