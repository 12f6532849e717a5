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


def test_the_tests_that_hold_security_are_there() -> None:
    named = TEST.findall((ROOT / "docs" / "security.md").read_text())
    assert len(named) > 15
    for file, function in named:
        assert f"def {function}" in (ROOT / file).read_text(), (file, function)


def test_the_tables_to_distribute_are_those_of_workspaces() -> None:
    named = re.findall(r"\('(\w+)'\)", (ROOT / "docs" / "production.md").read_text())
    apart = {
        model._meta.db_table
        for app in ("customers", "events", "bulkjobs", "analytics")
        for model in apps.get_app_config(app).get_models()
        if "workspace_id" in {field.column for field in model._meta.concrete_fields}
    }
    assert sorted(named) == sorted(apart)
