"""Expressions of conditions on customers or events.

They are trees of frozen nodes, without deprecated operators, values as text and the many forms of
timestamps; `configuration.domain.condition_parser` parses them from JSON. Searches and the
exclusion filters of aggregate nodes are made of them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contacthub_project.core.date_math import Moment, Relative

# What a value is compared as, by the kind of the attribute.
Operand = str | int | float | bool | Moment


class Test(enum.Enum):
    """A comparison of an attribute's value with operands."""

    __test__ = False  # for pytest

    PRESENT = enum.auto()  # there is a value; no operand
    EQUALS = enum.auto()
    ONE_OF = enum.auto()  # any number of operands
    AT_LEAST = enum.auto()
    ABOVE = enum.auto()
    AT_MOST = enum.auto()
    BELOW = enum.auto()
    BETWEEN = enum.auto()  # at least the first operand and at most the second
    CONTAINS = enum.auto()  # the text of the operand is part of the text
    CONTAINS_FOLDED = enum.auto()  # the same in any case, with and without diacritics
    BIRTHDAY_WITHIN = enum.auto()  # the date's next anniversary is so many days away at most


@dataclass(frozen=True, slots=True)
class Comparison:
    """True when the attribute has a value that passes the test; for a list, when any element does.

    `kind` is the attribute's, such as `text` or `list of number` (`CustomerSchema.kind_of`).
    """

    attribute: str
    kind: str
    test: Test
    operands: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when all parts are."""

    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when any part is."""

    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when the part is not, so also when the attribute is absent."""

    part: Any


# Queries of customers have leaves of further kinds.
Condition = Comparison | AllOf | AnyOf | Not


def nodes_of(expression: Any) -> Iterator[Any]:
    """Yield every node of an expression in preorder."""
    yield expression
    if isinstance(expression, AllOf | AnyOf):
        for part in expression.parts:
            yield from nodes_of(part)
    elif isinstance(expression, Not):
        yield from nodes_of(expression.part)


def comparisons_of(expression: Any) -> list[Comparison]:
    """Yield the comparisons of an expression, without leaves of other kinds."""
    return [node for node in nodes_of(expression) if isinstance(node, Comparison)]


def depends_on_now(condition: Any) -> bool:
    """Return whether the result can change by time alone."""
    return any(
        compared.test is Test.BIRTHDAY_WITHIN
        or any(isinstance(operand, Relative) for operand in compared.operands)
        for compared in comparisons_of(condition)
    )
