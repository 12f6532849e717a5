"""What the documents promise is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
SOURCE = re.compile(
    r"`((?:contacthub_project|configuration|customers|events|bulkjobs|analytics|segments)"
    r"/[\w/]+\.(?:py|sql|toml|json))`"
)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tests_that_pages_name_are_there(page: Path) -> None:
    for file, function in TEST.findall(page.read_text()):
        text = (ROOT / file).read_text()
        assert not function or f"def {function}" in text, (file, function)


@pytest.mark.parametrize(("page", "least"), [("security.md", 15), ("using-the-api.md", 25)])
def test_promises_name_the_tests_that_hold_them(page: str, least: int) -> None:
    assert len(TEST.findall((ROOT / "docs" / page).read_text())) > least


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_source_files_that_pages_name_are_there(page: Path) -> None:
    for file in SOURCE.findall(page.read_text()):
        assert (ROOT / file).is_file(), file


def test_decisions_are_numbered_and_dated() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for number, page in enumerate(DECISIONS, start=1):
        title, _, date, *_ = page.read_text().splitlines()
        assert page.name.startswith(f"{number:04}-")
        assert title == f"# {number}. " + index.split(f"]({page.name})")[0].rpartition("[")[2]
        assert re.fullmatch(r"Date: \d{4}-\d\d-\d\d", date), page.name
