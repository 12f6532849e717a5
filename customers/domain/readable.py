"""Renders documents for people: labels and values instead of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contacthub_project.core.text import humanized

MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]00:?00)")


def labelled(value: Any, label: str = "") -> Iterator[tuple[str, str]]:
    """Yield a label and a text for each value of a document, without empty ones.

    Labels are the names on the path to the value, as in `Contacts / Mobile phone`; elements of
    lists that are objects are numbered.
    """
    if isinstance(value, Mapping):
        for name, child in value.items():
            inner = humanized(str(name))
            yield from labelled(child, f"{label} / {inner}" if label else inner)
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for number, child in enumerate(value, 1):
            yield from labelled(child, f"{label} {number}".strip())
    elif isinstance(value, list):
        texts = [text_of(each) for each in value if each is not None and each != ""]
        if texts:
            yield label, ", ".join(texts)
    elif value is not None and value != "":
        yield label, text_of(value)


def text_of(value: Any) -> str:
    """Return a value as text: yes and no, moments in UTC without zero parts."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    moment = MOMENT.fullmatch(text)
    return f"{moment[1]} {moment[2]} UTC" if moment else text
