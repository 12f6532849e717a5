"""How a file is to be read, as far as its sender says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bulkjobs.domain.cells import CellRules, DateOrder, DecimalMark
from bulkjobs.domain.files.containers import Container
from bulkjobs.domain.files.tables import Layout, Wishes

SEPARATORS_WITH_COMMAS = frozenset(";\t")  # beside which numbers have decimal commas


class Values(StrEnum):
    """Whether cells are read as the reference says, or as people write them."""

    STRICT = "strict"
    LENIENT = "lenient"

    @classmethod
    def values(cls) -> list[str]:
        return [each.value for each in cls]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an upload says of how its file is to be read; `mapping` is of headers to paths."""

    wishes: Wishes = field(default_factory=Wishes)
    is_lenient: bool = False
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark | None = None
    mapping: Mapping[str, str | None] = field(default_factory=dict)

    def cell_rules(self, layout: Layout) -> CellRules:
        """How cells of a file are understood."""
        mark = self.decimal_mark
        if layout.container is Container.XLSX and mark is DecimalMark.COMMA:
            mark = DecimalMark.EITHER
        elif mark is None and layout.separator in SEPARATORS_WITH_COMMAS:
            mark = DecimalMark.NOT_SAID
        return CellRules(self.is_lenient, self.date_order, mark or DecimalMark.POINT)
