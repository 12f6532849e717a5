"""Matches the columns of a file to properties."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bulkjobs.domain.faults import BadFile

MOST_COLUMNS = 300
MOST_LISTED = 20
LEFT_OUT = "#"  # prefix of columns that are remarks
LONGEST_LISTED = 100
SIMILAR = 0.75  # of difflib's ratio
# Usual names of such columns in English and Italian.
USUAL_NAMES: Mapping[str, list[str]] = json.loads(
    (Path(__file__).parent / "usual_names.json").read_text()
)


class ColumnChoice(NamedTuple):
    """A column as the file names it, and the path of its property; None when it is skipped."""

    header: str
    path: str | None


class Matches(NamedTuple):
    """The columns of a file with their properties.

    `unknown` are the names of columns without one, each with the most similar property.
    """

    choices: list[ColumnChoice]
    unknown: dict[str, str | None]


def match_columns(
    header: Sequence[str],
    *,
    is_known: Callable[[str], bool],
    paths: Sequence[str],
    mapping: Mapping[str, str | None],
) -> Matches:
    """Return the property of each column: of `mapping`, of its own name, or of a usual one.

    `paths` are the possible properties, besides those that `is_known` accepts. Columns without a
    name, and remarks, are skipped. Raises BadFile for an invalid header or mapping.
    """
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if not any(names):
        raise BadFile("the file has no header")
    if len(names) > MOST_COLUMNS:
        raise BadFile(f"the file has more than {MOST_COLUMNS} columns")
    mapped = _checked_mapping(mapping, names, is_known)
    by_name = _paths_by_name(paths)
    matches = Matches([], {})
    for name in names:
        if name in mapped or not name or name.startswith(LEFT_OUT):
            path = mapped.get(name)
        else:
            path = name if is_known(name) else by_name.get(normalized(name))
            if path is None:
                near = difflib.get_close_matches(normalized(name), by_name, n=1, cutoff=SIMILAR)
                matches.unknown[name] = by_name[near[0]] if near else None
        matches.choices.append(ColumnChoice(name, path))
    return matches


def refuse_unknown(matches: Matches) -> None:
    """Raise BadFile naming columns without a property, and those with the same one."""
    if matches.unknown:
        descriptions = [
            f"{_short(name)} (is it {near}?)" if near else _short(name)
            for name, near in list(matches.unknown.items())[:MOST_LISTED]
        ]
        more = len(matches.unknown) - len(descriptions)
        listed = ", ".join(descriptions) + (f" and {more} more" if more else "")
        raise BadFile(f"columns are not known: {listed}")
    by_path: dict[str, list[str]] = {}
    for choice in matches.choices:
        if choice.path is not None:
            by_path.setdefault(choice.path, []).append(_short(choice.header))
    twice = [names for names in by_path.values() if len(names) > 1]
    if twice:
        descriptions = [" and ".join(dict.fromkeys(names)) for names in twice[:MOST_LISTED]]
        raise BadFile(f"columns stand twice: {', '.join(descriptions)}")


def normalized(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in decomposed if each.isalnum())


def _checked_mapping(
    mapping: Mapping[str, str | None], names: Sequence[str], is_known: Callable[[str], bool]
) -> dict[str, str | None]:
    """A mapping by the names of the file; raises BadFile for what does not fit it."""
    by_name = {normalized(name): name for name in reversed(names)}
    mapped = {}
    for given, path in mapping.items():
        name = given.strip() if given.strip() in names else by_name.get(normalized(given))
        if not name:
            raise BadFile(f"the mapping names a column that is not there: {_short(given)}")
        if path is not None and not is_known(path):
            raise BadFile(f"the mapping names a property that is not known: {_short(path)}")
        mapped[name] = path
    return mapped


def _paths_by_name(paths: Iterable[str]) -> dict[str, str]:
    """Return properties by every normalised name that is unique: whole, partial, or usual."""
    found: dict[str, set[str]] = {}
    usual: dict[str, str] = {}
    for path in paths:
        parts = path.split(".")
        for begin in range(len(parts)):
            found.setdefault(normalized(".".join(parts[begin:])), set()).add(path)
        for name in USUAL_NAMES.get(path, ()):
            usual.setdefault(normalized(name), path)
    return {name: min(some) for name, some in found.items() if len(some) == 1} | usual


def _short(name: str) -> str:
    return re.sub(r"\s+", " ", name)[:LONGEST_LISTED]
