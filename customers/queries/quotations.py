"""Rows whose texts quote people: names, rules, notes and answers that somebody has written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from configuration.domain.matching_policy import MatchingPolicy
from customers.domain.identifying_values import quotable_texts, texts_of, without_texts
from customers.observers import ForgottenPerson

Row = TypeVar("Row", bound=Model)


def quoting(fields: Sequence[str], people: Iterable[tuple[MatchingPolicy, Mapping[str, Any]]]) -> Q:
    """Return whether one of the text fields quotes an identifying value of one of the people."""
    texts = {text for policy, document in people for text in texts_of(policy, document)}
    quoted = Q(id__in=[])
    for text in sorted(texts):
        for field in fields:
            quoted |= Q(**{f"{field}__icontains": text})
    return quoted


def naming(
    rows: QuerySet[Row], fields: Sequence[str], people: Sequence[ForgottenPerson]
) -> QuerySet[Row]:
    """Return the rows of which a field, text or JSON, names one of the people."""
    named = Q(id__in=[])
    for text in _texts_of(people):
        for field in fields:
            named |= Q(**{f"{field}_as_text__icontains": text})
    as_text = {f"{field}_as_text": Cast(field, TextField()) for field in fields}
    found: QuerySet[Row] = rows.alias(**as_text).filter(named)
    return found


def remove_names(
    rows: QuerySet[Row], fields: Sequence[str], people: Sequence[ForgottenPerson]
) -> int:
    """Take the people out of the fields of rows; return the number of rows that named them.

    The rows stay: they are rules and names of staff, in which somebody else may stand, too.
    """
    found = list(naming(rows, fields, people).select_for_update())
    for row in found:
        for field in fields:
            setattr(row, field, without_texts(getattr(row, field), _texts_of(people)))
        row.save(update_fields=fields)
    return len(found)


def _texts_of(people: Sequence[ForgottenPerson]) -> list[str]:
    return sorted({text for person in people for text in quotable_texts(person.document)})
