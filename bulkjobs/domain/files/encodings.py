"""Detects the encoding of a text file, and converts it to UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import IO

from charset_normalizer import from_bytes

from bulkjobs.domain.faults import BadFile

# Python's codecs, by the names under which IANA registers what they decode.
NAMES = {
    "UTF-8": "utf-8", "UTF-16": "utf-16", "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be",
    "UTF-32": "utf-32", "US-ASCII": "ascii",
    "ISO-8859-1": "iso8859-1", "ISO-8859-2": "iso8859-2", "ISO-8859-5": "iso8859-5",
    "ISO-8859-7": "iso8859-7", "ISO-8859-9": "iso8859-9", "ISO-8859-15": "iso8859-15",
    "windows-1250": "cp1250", "windows-1251": "cp1251", "windows-1252": "cp1252",
    "windows-1253": "cp1253", "windows-1254": "cp1254", "windows-1257": "cp1257",
    "macintosh": "mac-roman", "IBM437": "cp437", "IBM850": "cp850", "KOI8-R": "koi8-r",
    "Shift_JIS": "cp932", "GB18030": "gb18030", "Big5": "big5", "EUC-KR": "euc_kr",
}  # fmt: skip
UTF_8 = "UTF-8"
WINDOWS_1252 = "windows-1252"
LATIN_1 = "ISO-8859-1"
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Legacy encodings, distinguished by the letters that they give.
CANDIDATES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "cp850", "koi8_r", "cp932",
    "gb18030",
)  # fmt: skip
PIECE = 1 << 20
HEAD = 4096
FEW_LETTERS = 8  # fewer are not significant
_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")  # in Windows-1252
SAMPLE = 32 * 1024
MANY_ZEROS, FEW_ZEROS = 0.4, 0.1  # of the bytes at odd, or even, places


def known_encoding(label: str) -> str | None:
    """Return the name of an encoding by a name or alias; None when there is none."""
    try:
        codec = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return next((name for name, each in NAMES.items() if codecs.lookup(each).name == codec), None)


def detect_encoding(file: IO[bytes], *, is_whole: bool = True) -> str:
    """Return the encoding of a text file; `is_whole` unless the file is cut off.

    A byte order mark decides; then UTF-16 by the positions of zeros, or valid UTF-8; then
    `charset_normalizer`, with precedence for Windows-1252 where it is plausible. Raises BadFile for
    files that are mostly UTF-8, and for those that are no text.
    """
    file.seek(0)
    head = file.read(HEAD)
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _by_zeros(head)
    sample = _not_utf_8(file, is_whole=is_whole)
    if not sample:
        return UTF_8
    _refuse_mostly_utf_8(sample)
    return _legacy(sample)


def _by_zeros(head: bytes) -> str:
    """Detect UTF-16: mostly Latin text has a zero in every second byte."""
    even, odd = head[::2], head[1::2]
    at_even, at_odd = even.count(0) / len(even), odd.count(0) / max(1, len(odd))
    if at_odd > MANY_ZEROS and at_even < FEW_ZEROS:
        return "UTF-16LE"
    if at_even > MANY_ZEROS and at_odd < FEW_ZEROS:
        return "UTF-16BE"
    return UTF_8  # a NUL in a cell is a fault of its row


def _not_utf_8(file: IO[bytes], *, is_whole: bool) -> bytes:
    """Return lines with non-ASCII bytes from the first invalid UTF-8 on; empty if it is valid."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    before = b""
    while True:
        piece = file.read(PIECE)
        try:
            decoder.decode(piece, final=not piece and is_whole)
        except UnicodeDecodeError:
            lines = (before + piece).splitlines(keepends=True)
            return b"".join(line for line in lines if not line.isascii())[:SAMPLE]
        if not piece:
            return b""
        before = piece[-HEAD:]


def _refuse_mostly_utf_8(sample: bytes) -> None:
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = sum(not character.isascii() for character in text) - broken
    if sound > 2 * broken:
        raise BadFile(
            "the file is UTF-8 in most places and not in others: save it as UTF-8, or name its"
            " encoding"
        )


def _legacy(sample: bytes) -> str:
    letters = sum(byte > 0x7F for byte in sample)
    is_plausible = from_bytes(sample, cp_isolation=["cp1252"]).best() is not None
    if is_plausible or (letters < FEW_LETTERS and not _UNDEFINED.intersection(sample)):
        return WINDOWS_1252
    best = from_bytes(sample, cp_isolation=list(CANDIDATES)).best()
    known = None if best is None else known_encoding(best.encoding)
    return known or LATIN_1


def decoded(file: IO[bytes], encoding: str, *, is_whole: bool = True) -> Iterator[str]:
    """Yield the text of a file from its beginning, without a byte order mark.

    Raises BadFile where it is not in the encoding.
    """
    decoder = codecs.getincrementaldecoder(NAMES[encoding])()
    file.seek(0)
    lines = 0
    is_first = True
    while True:
        piece = file.read(PIECE)
        try:
            text = decoder.decode(piece, final=not piece and is_whole)
        except UnicodeDecodeError as fault:
            before = fault.object[: fault.start].decode(NAMES[encoding], "ignore")
            line = lines + before.count("\n") + 1
            raise BadFile(f"line {line}: not {encoding}") from None
        if is_first:
            text = text.removeprefix("\ufeff")
        is_first = is_first and not text
        lines += text.count("\n")
        if text:
            yield text
        if not piece:
            return
