from analytics.models.counter import Counter, Presence
from analytics.models.delta import Delta
from analytics.models.ledger import Ledger

__all__ = ["Counter", "Delta", "Ledger", "Presence"]
