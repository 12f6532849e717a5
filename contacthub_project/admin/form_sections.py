"""Sections of a form: fields under a heading, folded or open, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext

from contacthub_project.admin.form_fields import Field


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading; `matrix` has fields as a table: a heading, then rows with labels."""

    title: str
    fields: list[Field]
    is_open: bool = False
    matrix: list[tuple[str, list[tuple[str, list[Field]]]]] = field(default_factory=list)

    @property
    def is_shown(self) -> bool:
        """Whether the section is unfolded: by itself, or because something in it is wrong."""
        return self.is_open or any(_all_faults(self.all_fields))

    @property
    def all_fields(self) -> Iterator[Field]:
        yield from self.fields
        for _, rows in self.matrix:
            for _, cells in rows:
                yield from cells


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a form: the field's label, the message, and the field's path, if it has one."""

    label: str
    message: str
    path: str = ""


def with_faults(fields: list[Field], faults: Mapping[str, str]) -> list[Field]:
    """Return the fields and the cells of their rows, each with its fault.

    `faults` are messages by dotted path or JSON pointer.
    """

    def marked(each: Field) -> Field:
        fault = faults.get(each.path) or faults.get(each.pointer) or ""
        rows = tuple(
            replace(row, cells=tuple(marked(cell) for cell in row.cells)) for row in each.rows
        )
        return replace(each, fault=fault, rows=rows)

    return [marked(each) for each in fields]


def sections_by_group(fields: list[Field]) -> list[Section]:
    """Return the fields by the object that they are in; objects within others are folded."""
    general, further = gettext("General"), gettext("Further properties, as JSON")
    groups: dict[str, list[Field]] = {general: []}
    for each in fields:
        special = {"rows": each.label, "json": further}.get(each.kind)
        groups.setdefault(special or each.group, []).append(each)
    last = groups.pop(further, [])
    return [
        Section(title, held, is_open=" / " not in title) for title, held in groups.items() if held
    ] + ([Section(further, last)] if last else [])


def problems(sections: list[Section], faults: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with a form, those of no field last."""
    found: list[Problem] = []
    known: set[str] = set()
    for section in sections:
        for each in _all_faults(section.all_fields):
            found.append(Problem(each.label, each.fault, each.path))
            known |= {each.path, each.pointer}
    return found + [Problem(place, text) for place, text in faults.items() if place not in known]


def _all_faults(fields: Iterator[Field]) -> Iterator[Field]:
    """Yield the faulty fields, those in rows included."""
    for each in fields:
        if each.fault:
            yield each
        for row in each.rows:
            yield from (cell for cell in row.cells if cell.fault)
