from __future__ import annotations

import sys

from contacthub_project.core.text import WHITESPACE, is_blank


def test_whitespace_is_all_that_strip_removes() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    assert set(WHITESPACE) == {each for each in characters if not each.strip()}


def test_blank() -> None:
    assert all(map(is_blank, ["", *WHITESPACE, WHITESPACE]))
    assert not any(map(is_blank, ["x", " x ", None, 0, False, [], {}]))
