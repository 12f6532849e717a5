"""Escapes text in files that spreadsheets open, so that no cell is taken for a formula."""

from __future__ import annotations

import re

# Where a cell may begin, for any separator that a program may assume, and what
# starts a formula there, including the full-width forms of East Asia.
BEGINS_CELL = "(?:^|(?<=[,;|\t\r\n]))"
FORMULA_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
FORMULA = f"[{FORMULA_SIGNS}\t\r\n]"
FORMULA_SIGN = re.compile(FORMULA)
UNGUARDED = re.compile(f"{BEGINS_CELL}(?=[\"']*{FORMULA})")


def guarded_cell(text: str) -> str:
    """Return the text with an apostrophe before whatever would be a formula."""
    return UNGUARDED.sub("'", text) if FORMULA_SIGN.search(text) else text
