"""What the documents promise is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tests_that_pages_name_are_there(page: Path) -> None:
    for file, function in TEST.findall(page.read_text()):
        assert f"def {function}" in (ROOT / file).read_text(), (file, function)


@pytest.mark.parametrize(("page", "least"), [("security.md", 15), ("using-the-api.md", 25)])
def test_promises_name_the_tests_that_hold_them(page: str, least: int) -> None:
    assert len(TEST.findall((ROOT / "docs" / page).read_text())) > least


def test_the_tables_to_distribute_are_those_of_workspaces() -> None:
    named = re.findall(r"\('(\w+)'\)", (ROOT / "docs" / "production.md").read_text())
    apart = {
        model._meta.db_table
        for app in ("customers", "events", "bulkjobs", "analytics")
        for model in apps.get_app_config(app).get_models()
        if "workspace_id" in {field.column for field in model._meta.concrete_fields}
    }
    assert sorted(named) == sorted(apart)
