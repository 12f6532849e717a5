"""Detects the container of a file: text, or text or a workbook in a container."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import IO, cast

from bulkjobs.domain.faults import BadFile

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
EMPTY_ZIP = b"PK\x05\x06"
ADVICE = "save it as CSV in UTF-8, or as an Excel workbook (.xlsx)"
# The first bytes of other common files, and their names.
OTHERS = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls), or one with a password",
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a SQLite database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
# The kind of a zip by a file in it; the most specific first.
BY_MEMBER = (
    ("xl/workbook.bin", "a binary Excel workbook (.xlsb)"),
    ("content.xml", "an OpenDocument file (.ods)"),
    ("Index/Document.iwa", "a Numbers document"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint document"),
)
MARKUP = (b"<html", b"<!doctype html", b"<table", b"<?xml")
WORKBOOK_MEMBER = "xl/workbook.xml"
NOT_MEMBERS = ("__MACOSX/", ".DS_Store")
# A table of few distinct letters is packed to 1 % at least; denser files are zip bombs.
LARGEST_RATIO = 300
UNSUSPICIOUS_BYTES = 16 << 20
HEAD = 512
HAS_PASSWORD = 1  # flag bit of a zip's member


class Container(StrEnum):
    """How the table is stored in the uploaded file."""

    CSV = "csv"
    GZIP = "csv.gz"
    ZIP = "zip"
    XLSX = "xlsx"


def container_of(file: IO[bytes]) -> Container:
    """Return the container of a file; raises BadFile naming the kind of an unsupported file."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if head.startswith(GZIP):
        return Container.GZIP
    if head.startswith((ZIP, EMPTY_ZIP)):
        return _of_zip(file)
    for magic, name in OTHERS.items():
        if head.startswith(magic):
            raise BadFile(f"the file is {name}: {ADVICE}")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(MARKUP):
        raise BadFile(f"the file is a web page or XML, whatever its name says: {ADVICE}")
    if text.startswith((b'{"', b"[{", b"{\n", b"{\r")):
        raise BadFile(f"the file is JSON: {ADVICE}")
    return Container.CSV


def _of_zip(file: IO[bytes]) -> Container:
    with _read_zip(file) as archive:
        names = set(archive.namelist())
        if WORKBOOK_MEMBER in names:
            return Container.XLSX
        for member, name in BY_MEMBER:
            if member in names:
                raise BadFile(f"the file is {name}: {ADVICE}")
        _only_member(archive)
        return Container.ZIP


@contextmanager
def unpacked(file: IO[bytes], container: Container, *, most_bytes: int) -> Iterator[IO[bytes]]:
    """Open the text file in a container; for CSV the file itself.

    Reading it raises BadFile beyond `most_bytes`, beyond a ratio that no table has, and for
    archives that are damaged or have a password.
    """
    if container is Container.GZIP:
        packed = file.seek(0, 2)
        file.seek(0)
        with gzip.GzipFile(fileobj=file) as inner:
            yield cast(IO[bytes], _Bounded(inner, packed, most_bytes))
    elif container is Container.ZIP:
        with _read_zip(file) as archive:
            member = _only_member(archive)
            with archive.open(member) as packed_file:
                yield cast(IO[bytes], _Bounded(packed_file, member.compress_size, most_bytes))
    else:
        yield file


def check_workbook_size(file: IO[bytes], *, most_bytes: int) -> None:
    """Raise BadFile for a workbook that is too large unpacked.

    By the sizes that its parts declare, which the reader enforces.
    """
    with _read_zip(file) as archive:
        for member in archive.infolist():
            _check_size(member.file_size, member.compress_size, most_bytes)


def _check_size(size: int, packed: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise BadFile(f"the file holds more than {most_bytes} bytes when it is unpacked")
    if size > UNSUSPICIOUS_BYTES and size > LARGEST_RATIO * max(1, packed):
        raise BadFile(f"the file is more than {LARGEST_RATIO} times larger when it is unpacked")


@contextmanager
def _read_zip(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError):
        raise BadFile("the zip archive is damaged, or of a kind that is not read") from None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        each
        for each in archive.infolist()
        if not each.is_dir() and not any(name in each.filename for name in NOT_MEMBERS)
    ]
    if len(members) != 1:
        raise BadFile(f"the zip holds {len(members)} files: send a zip with one")
    (member,) = members
    if member.flag_bits & HAS_PASSWORD:
        raise BadFile("the zip has a password: send it without")
    with archive.open(member) as inner:
        if inner.read(len(ZIP)) == ZIP:
            raise BadFile("the zip holds a workbook or another zip: send that itself")
    return member


class _Bounded:
    """A file that is unpacked while it is read, up to a size and a ratio."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, packed: int, most_bytes: int) -> None:
        self._file = file
        self._packed = packed
        self._most_bytes = most_bytes

    def read(self, size: int) -> bytes:
        try:
            piece = self._file.read(size)
            position = self._file.tell()
        except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError):
            raise BadFile("the compressed file is damaged, or not complete") from None
        _check_size(position, self._packed, self._most_bytes)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)
