from __future__ import annotations

import contextlib
import json
import unicodedata
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.core.errors import Invalid, pointer
from contacthub_project.core.strict_json import parse_json


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "json"), (b"{", "json"), (b"nope", "json"), (b"NaN", "json"), (b'{"a":Infinity}', "json"),
        (b"\xff", "json"), (b'"\xed\xa0\x80"', "json"), (b'{"a":1}x', "json"),
        (b'{"a":1,"a":2}', "key"), (b'[{"b":{"c":1,"c":1}}]', "key"),
        (b"9223372036854775808", "number"), (b"1" * 5000, "number"), (b"1e400", "number"),
        (b'{"a":"\\u0000"}', "character"), (b'{"\\u0000":1}', "character"),
        (b'["\\ud800"]', "character"), (b'["\\uDFFF x"]', "character"),
        (b"[" * 33 + b"]" * 33, "depth"), (b"[" * 100_000, "depth"), (b'{"a":' * 40 + b"1" + b"}" * 40, "depth"),
    ],
)  # fmt: skip
def test_refuses(raw: bytes, code: str) -> None:
    with pytest.raises(Invalid) as failure:
        parse_json(raw)
    assert [error.code for error in failure.value.errors] == [code]


def test_names_the_place_of_what_cannot_be_stored() -> None:
    with pytest.raises(Invalid) as failure:
        parse_json(b'{"a/b":["x",{"~":"\\u0000"}],"c":"\\ud800"}')
    assert [error.path for error in failure.value.errors] == ["/a~1b/1/~0", "/c"]


def test_names_the_place_of_what_does_not_fit() -> None:
    with pytest.raises(Invalid) as failure:
        parse_json(
            b'{"a":[{"b/c":1,"b/c":2,"b/c":3}],"d":{"e":1e400},"f":[0,99999999999999999999]}'
        )
    assert [(error.path, error.code) for error in failure.value.errors] == [
        ("/a/0/b~1c", "key"), ("/a/0/b~1c", "key"), ("/d/e", "number"), ("/f/1", "number"),
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [b'"\\\\u0000"', b'"\\ud83d\\ude00"', b'"\\\\ud800"', b"[" * 32 + b"]" * 32])  # fmt: skip
def test_takes_what_only_looks_dangerous(raw: bytes) -> None:
    assert parse_json(raw) == json.loads(raw)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map(
            partial(unicodedata.normalize, "NFC")
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.dictionaries(
            st.text(max_size=3).filter(lambda key: "\0" not in key and key.isprintable()), inner
        ),
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_takes_all_json(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.booleans())
def test_composes_text(value: str, ascii_only: bool) -> None:
    raw = json.dumps([{"a": value}], ensure_ascii=ascii_only).encode()
    assert parse_json(raw) == [{"a": unicodedata.normalize("NFC", value)}]


@given(st.binary(max_size=40))
def test_never_fails_otherwise(raw: bytes) -> None:
    with contextlib.suppress(Invalid):
        parse_json(raw)


def test_pointer_escapes() -> None:
    assert pointer("a/b", 0, "~") == "/a~1b/0/~0"
