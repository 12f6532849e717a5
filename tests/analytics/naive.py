"""What the counters must say, reckoned row by row in Python from what docs/analytics.md says."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from configuration.models import Node, Workspace
from customers.models import AggregateMember, Change, Customer
from events.models import Event

EVER = date(1, 1, 1)
SHOPS = {"ECOMMERCE", "RETAIL"}
Key = tuple[UUID, str, str, date]


def number(value: Any, otherwise: int = 0) -> Decimal:
    return Decimal(otherwise) if value is None else Decimal(str(value))


def signed_amount(properties: dict[str, Any], amount: Any) -> Decimal:
    total = number(amount)
    return -abs(total) if properties.get("type") == "return" else total


def items(properties: dict[str, Any]) -> Decimal:
    bought = Decimal(0)
    for line in properties.get("products", []):
        back = "return" in {properties.get("type"), line.get("type")}
        bought += abs(number(line.get("quantity"), 1)) * (-1 if back else 1)
    return bought


def channel(base: dict[str, Any]) -> str:
    contacts = base.get("contacts", {})
    reached = bool(contacts.get("email", "").strip()), bool(contacts.get("mobilePhone", "").strip())
    return {
        (True, True): "EMAIL_AND_MOBILE", (True, False): "EMAIL_ONLY",
        (False, True): "MOBILE_ONLY", (False, False): "NOT_REACHABLE",
    }[reached]  # fmt: skip


def counted(workspace_id: UUID, *, zone: str | None = None) -> dict[Key, Decimal]:
    """By node, metric, key and day, everything that is not nothing."""
    workspace = Workspace.objects.get(id=workspace_id)
    place = ZoneInfo(zone or workspace.timezone)
    counts: Counter[Key] = Counter()
    heads: dict[Key, set[Any]] = defaultdict(set)

    def day(moment: Any) -> date:
        return moment.astimezone(place).date()

    for each in Customer.objects.filter(workspace_id=workspace_id):
        counts[each.node_id, "customers added", "", day(each.registered_at)] += 1
        if each.deleted == 0:
            counts[each.node_id, "customers", channel(each.base), EVER] += 1
            counts[each.node_id, "registrations", "", day(each.registered_at)] += 1
            if each.version > 1:
                counts[each.node_id, "customers updated", "", day(each.updated_at)] += 1
    deletions = Change.objects.filter(workspace_id=workspace_id, operation="DELETE")
    for change in deletions.exclude(is_duplicate=True):
        metric = f"{change.entity.lower()}s deleted"
        counts[change.node_id, metric, "", day(change.changed_at)] += 1
    persons: dict[UUID, list[tuple[UUID, Any]]] = defaultdict(list)
    for member in AggregateMember.objects.filter(workspace_id=workspace_id):
        persons[member.entry_id].append((member.aggregate_node_id, bytes(member.match_key)))
    for event in Event.objects.filter(workspace_id=workspace_id):
        owner = event.customer_id or (event.bring_back_type, event.bring_back_value)
        places = [(event.node_id, owner), *persons[event.customer_id]]  # type: ignore[index]
        for node_id, person in places:
            note_event(event, node_id, person, day, counts, heads)
    living = set(Node.objects.in_workspace(workspace_id).values_list("id", flat=True))
    everything = {key: Decimal(value) for key, value in counts.items()}
    everything |= {key: Decimal(len(value)) for key, value in heads.items()}
    return {key: value for key, value in everything.items() if value and key[0] in living}


def note_event(event: Event, node_id: UUID, person: Any, day: Any, counts: Any, heads: Any) -> None:
    on = day(event.date)
    counts[node_id, "events", "", EVER] += 1
    counts[node_id, "event types", f"{event.type} {event.context}", on] += 1
    counts[node_id, "events added", "", day(event.registered_at)] += 1
    if event.version > 1:
        counts[node_id, "events updated", "", day(event.updated_at)] += 1
    if event.context == "WEB":
        heads[node_id, "visitors", "", on].add(person)
        if event.bring_back_type == "SESSION_ID":
            heads[node_id, "sessions", "", on].add(event.bring_back_value)
    if event.type != "completedOrder" or event.context not in SHOPS:
        return
    properties, context = event.properties, event.context
    amount = properties.get("amount", {})
    kind = properties.get("type", "sale")
    if kind != "return":
        counts[node_id, "orders", context, on] += 1
        heads[node_id, "buyers", context, on].add(person)
        heads[node_id, "buyers", "ALL", on].add(person)
    if kind != "sale":
        counts[node_id, "returns", context, on] += 1
    counts[node_id, "spending", context, on] += signed_amount(properties, amount.get("total"))
    revenue = amount.get("revenue", amount.get("total"))
    counts[node_id, "revenue", context, on] += signed_amount(properties, revenue)
    counts[node_id, "items", context, on] += items(properties)
