"""The options for reading a file, as far as they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bulkjobs.domain.cells import CellRules, DateOrder, DecimalMark
from bulkjobs.domain.files.containers import Container
from bulkjobs.domain.files.tables import FileOptions, Layout

SEPARATORS_WITH_COMMAS = frozenset(";\t")  # with which numbers have decimal commas


class Values(StrEnum):
    """Whether cells are read by the reference, or leniently."""

    STRICT = "strict"
    LENIENT = "lenient"

    @classmethod
    def values(cls) -> list[str]:
        return [each.value for each in cls]


@dataclass(frozen=True, slots=True)
class Reading:
    """The options of an upload; `mapping` maps headers to paths."""

    options: FileOptions = field(default_factory=FileOptions)
    is_lenient: bool = False
    date_order: DateOrder | None = None
    decimal_mark: DecimalMark | None = None
    mapping: Mapping[str, str | None] = field(default_factory=dict)

    def cell_rules(self, layout: Layout) -> CellRules:
        """Return the rules for the cells of a file."""
        mark = self.decimal_mark
        if layout.container is Container.XLSX and mark is DecimalMark.COMMA:
            mark = DecimalMark.EITHER
        elif mark is None and layout.separator in SEPARATORS_WITH_COMMAS:
            mark = DecimalMark.UNDETERMINED
        return CellRules(self.is_lenient, self.date_order, mark or DecimalMark.POINT)
