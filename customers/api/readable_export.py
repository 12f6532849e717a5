"""A person's export as a printable page, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from django.utils.html import escape

from contacthub_project.api.renderers import json_bytes
from contacthub_project.core.text import humanized
from customers.domain.readable import labelled
from customers.observers import ExportedList

STYLE = (
    "body{font:11pt/1.45 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;"
    "color:#111;background:#fff}h1{font-size:1.5rem}"
    "h2{margin-top:2rem;border-bottom:1px solid #ccc}"
    "dl{display:grid;grid-template-columns:minmax(9rem,2fr) 3fr;gap:.15rem 1rem;margin:.75rem 0}"
    "dt{color:#555}dd{margin:0;overflow-wrap:anywhere}section>dl{border-bottom:1px solid #eee;"
    "padding-bottom:.5rem}@media print{body{margin:0}dl{break-inside:avoid}}"
)


def readable_export(
    customer: Mapping[str, Any], lists: Iterable[ExportedList], *, controller: str, at: datetime
) -> Iterator[bytes]:
    """Yield the page in pieces.

    `controller` is responsible for the data, `at` is the request's time.
    """
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Your data</title><style>{STYLE}</style></head><body><h1>Your data</h1>"
        f"<p>What {escape(controller)} keeps about you, as of {at:%Y-%m-%d %H:%M} UTC.</p>"
        f"<h2>Profile</h2>{_pairs(customer)}"
    ).encode()
    for each in lists:
        yield f"<h2>{escape(humanized(each.name))}</h2><section>".encode()
        is_empty = True
        for element in each.elements:
            is_empty = False
            yield _pairs(element).encode()
        yield b"<p>None.</p></section>" if is_empty else b"</section>"
    yield b"</body></html>"


def _pairs(document: Any) -> str:
    # As in responses: ids and moments are texts.
    pairs = labelled(orjson.loads(json_bytes(document)))
    return (
        "<dl>"
        + "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in pairs)
        + "</dl>"
    )
