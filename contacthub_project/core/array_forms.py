"""Converts arrays and objects from the forms that PHP's `json_encode` gives them.

PHP sends an empty object as `[]`, and an array with gaps or out of order as an object with the keys
`"0"`, `"1"`, ….
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from contacthub_project.core.errors import FieldError, pointer

INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


def as_object(value: Any) -> Any:
    """Return `{}` for an empty list, any other value unchanged."""
    return {} if isinstance(value, list) and not value else value


def as_list(value: Any) -> Any:
    """Return the list for an object whose keys are array indexes, else the value unchanged."""
    keys = _index_keys(value) if isinstance(value, dict) else None
    return value if keys is None else [value[key] for key in keys]


def as_sent(faults: Sequence[FieldError], sent: Any, listed: Any) -> list[FieldError]:
    """Return faults of the converted document with pointers into the document as it was sent.

    `listed` is the document after `as_list`, `sent` the one before.
    """
    return [
        replace(fault, path=pointer(*_sent_parts(fault.path, sent, listed))) for fault in faults
    ]


def _index_keys(value: dict[str, Any]) -> list[str] | None:
    """Return the keys in the order of their indexes; None if they are no array indexes."""
    if not all(map(INDEX.fullmatch, value)):
        return None
    return sorted(value, key=int)


def _sent_parts(path: str, sent: Any, listed: Any) -> Iterator[str]:
    """Yield the parts of a pointer into `listed`, with the names they have in `sent`."""
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(sent, dict) and isinstance(listed, list):
            keys = _index_keys(sent) or []
            index = int(name) if INDEX.fullmatch(name) else len(keys)
            listed = listed[index] if index < len(listed) else None
            name = keys[index] if index < len(keys) else name
            sent = sent.get(name)
        else:
            sent, listed = _child(sent, name), _child(listed, name)
        yield name


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and INDEX.fullmatch(name) and int(name) < len(value):
        return value[int(name)]
    return None
