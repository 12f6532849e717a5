"""Help: what each page is for, and the documentation to read in the back-office."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils.html import escape

from contacthub_project.admin.help import HOME, docs, pages_by_name, rendered
from contacthub_project.admin.urls import urlpatterns
from tests.back_office.office import Page, Staff
from tests.factories import Hub

REFERENCE = re.compile(r'href="([^"]*)"')


def read(staff: Staff, name: str) -> Page:
    address = reverse("office:help", kwargs={"name": name})
    return Page(staff.client.get(address, HTTP_HOST="localhost"))


def test_help_is_of_pages_that_are_there_and_leads_to_documentation() -> None:
    ours = {pattern.name for pattern in urlpatterns}
    models = {model._meta.label_lower for model in admin.site._registry}
    assert not pages_by_name().keys() - ours - models
    for each in pages_by_name().values():
        assert each.docs in docs()
        assert len(re.findall(r"[.?!](?: |$)", each.text)) == 2, each.text


def test_each_page_has_its_help(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR", "DPO")
    for name in ("dashboard", "customers", "events", "retention", "operations"):
        page = staff.open(name)
        assert escape(pages_by_name()[name].text) in page.html
        assert pages_by_name()[name].address in page.html
    for model in ("configuration.source", "customers.webhook", "bulkjobs.bulkjob"):
        page = staff.open_admin(f"{model.replace('.', '_')}_changelist")
        assert escape(pages_by_name()[model].text) in page.html
    without = staff.open_admin("django_celery_beat_crontabschedule_changelist")
    assert reverse("office:help", kwargs={"name": HOME}) in without.html


@pytest.mark.parametrize("name", docs())
def test_the_documentation_is_shown_with_links_that_lead_somewhere(hub: Hub, name: str) -> None:
    page = read(Staff(hub, "GUEST"), name)
    assert page.status == 200
    document = rendered(name)
    assert document is not None
    assert document.title in page
    for target in REFERENCE.findall(document.html):
        if "://" in target:
            continue
        path, _, place = target.partition("#")
        other = document if not path else rendered(path.rstrip("/").rpartition("/")[2])
        assert other is not None, target
        assert not place or f'id="{place}"' in other.html, target


def test_other_files_are_not_documentation(hub: Hub) -> None:
    staff = Staff(hub, "CLAB_OPERATOR")
    for name in ("README", "nothing", "settings_py"):
        assert read(staff, name).status == 404
    assert rendered("../README") is None


def test_html_in_the_documentation_is_text() -> None:
    for name in docs():
        document = rendered(name)
        assert document is not None
        assert "<script" not in document.html


def test_pictures_become_words() -> None:
    page = rendered("back-office")
    assert page is not None
    assert "<img" not in page.html
    assert "The card of a customer" in page.html
