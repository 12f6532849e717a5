"""Filters of the consent log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from configuration.queries.rules import WorkspaceRules
from contacthub_project.api.filters import (
    ChoiceFilter,
    FilterSet,
    IdFilter,
    IdsFilter,
    MomentFilter,
    SortFilter,
    TextFilter,
)
from contacthub_project.api.query import QueryParameters
from contacthub_project.core.date_math import Moment
from contacthub_project.core.date_spans import Clock, Span, span_of
from contacthub_project.core.errors import Invalid
from contacthub_project.core.strict_json import parse_json
from contacthub_project.db.encryption import FORGOTTEN_PEOPLE, keyed_hashes
from customers.domain.consent_state import paths_at_or_below
from customers.domain.matching import all_keys
from customers.domain.paths import nested
from customers.models import (
    ConsentLogType,
)
from customers.models.consent_log import ConsentLogQuerySet

LONGEST_UNIQUE_KEY = 4096


class UniqueKeyFilter(TextFilter):
    """A JSON object of the values by which nodes recognise a person."""

    def read(self, parameters: QueryParameters, name: str) -> Any:
        """The object; its keys are dotted paths or nested."""
        text = super().read(parameters, name)
        if text is None:
            return None
        try:
            document = parse_json(text.encode("utf-8", "surrogatepass"))
        except Invalid as invalid:
            parameters.fault(name, invalid.message, "json")
            return None
        if not isinstance(document, dict):
            parameters.fault(name, "must be a JSON object", "type")
            return None
        return document


class ConsentLogSortFilter(SortFilter):
    """Sorts absent values last, in either direction."""

    def ordered(self, rows: Any, keys: list[tuple[str, bool]]) -> QuerySet[Any]:
        """Return the rows, ordered by pairs of a field and whether it descends."""
        ordered: ConsentLogQuerySet = rows.sorted_by(keys)
        return ordered


class ConsentLogFilterSet(FilterSet):
    """Filters and order of the consent log of a workspace."""

    customerId = IdFilter(
        "customer_id", help_text="Of one customer, one who was deleted or forgotten too."
    )
    uniqueKey = UniqueKeyFilter(
        method="filter_person",
        longest=LONGEST_UNIQUE_KEY,
        help_text=(
            "Of the person whom nodes recognise by these values: a JSON object such as"
            ' `{"base.contacts.email": "anna@example.com"}`. Finds those who were forgotten.'
        ),
    )
    startDate = MomentFilter(method="filter_start", help_text="From this day or moment on.")
    endDate = MomentFilter(
        method="filter_end", help_text="To the end of this day, or before this moment."
    )
    type = ChoiceFilter("type", choices=ConsentLogType.values, help_text="Lines of this kind.")
    property = TextFilter(
        method="filter_property",
        help_text=(
            "Changes of this consent, such as `consents.marketing.automatic.sms.status`, or of all"
            " below it, such as `consents.marketing`; `$.` may stand before it."
        ),
    )
    sort = ConsentLogSortFilter(
        {
            "date": "date", "id": "id", "type": "type", "property": "property",
            "customerId": "customer_id", "sourceId": "source_id", "userId": "user_id",
        },
        default="date,desc",
    )  # fmt: skip
    nodes = IdsFilter("node_id", help_text="Of customers of these nodes.")

    def __init__(self, data: QueryDict, *, workspace: WorkspaceRules) -> None:
        super().__init__(data)
        self.workspace = workspace

    def filter_person(self, rows: ConsentLogQuerySet, name: str, value: Any) -> ConsentLogQuerySet:
        """Return the entries of a person, given as an object of its unique values."""
        person = nested(value)
        # Entries keep the key of their time, when the policy may have treated case differently.
        policies = {
            replace(node.matching, case_sensitive=case_sensitive)
            for node in self.workspace.nodes.values()
            for case_sensitive in (True, False)
        }
        keys = [key for policy in policies for key in all_keys(policy, person).values()]
        # Entries of forgotten people have only this.
        keyed = [each for key in keys for each in keyed_hashes(key, purpose=FORGOTTEN_PEOPLE)]
        return rows.of_person(self.workspace.id, [*keys, *keyed])

    def filter_property(
        self, rows: ConsentLogQuerySet, name: str, value: str
    ) -> ConsentLogQuerySet:
        """Return entries about the leaves in the subtree of a path."""
        return rows.filter(property__in=paths_at_or_below(value))

    def filter_start(
        self, rows: ConsentLogQuerySet, name: str, value: Moment
    ) -> ConsentLogQuerySet:
        """Return entries from the first moment of the span on."""
        return rows.between(self._span(value).first, None)

    def filter_end(self, rows: ConsentLogQuerySet, name: str, value: Moment) -> ConsentLogQuerySet:
        """Return entries before the end of the span."""
        return rows.between(None, self._span(value).after)

    def _span(self, moment: Moment) -> Span:
        return span_of(moment, Clock(datetime.now(UTC), self.workspace.zone))
