"""The customers in a segment as files."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.test import TestCase

from bulkjobs.actions.exporting import write_exports
from configuration.models import StaffChange
from tests.factories import Hub
from tests.segments.test_segments import are, get, make, named, refresh


@pytest.fixture
def storage(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_a_segment_is_exported_as_a_file(hub: Hub) -> None:
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    named(hub, "Carl")
    consent = {"consents": {"marketing": {"automatic": {"email": {"status": True}}}}}
    hub.trusted.patch(f"{hub.path}/customers/{bob}", consent)
    group = make(hub, are("base.firstName", "IN", ["Ada", "Bob"]))
    refresh(hub)
    path = f"{hub.path}/segments/{group['id']}/export"
    answer = get(hub, f"{path}?fields=base.firstName&sort=base.firstName,desc", hub.trusted)
    assert answer.status == 200
    assert f'filename="{group["id"]}.csv"' in answer.headers["Content-Disposition"]
    assert rows(answer.content) == [
        {"id": bob, "base.firstName": "Bob"}, {"id": ada, "base.firstName": "Ada"},
    ]  # fmt: skip
    only = get(hub, f"{path}?format=jsonl&fields=id&contactable=marketing.automatic.email")
    assert [json.loads(each) for each in only.content.splitlines()] == [{"id": bob}]
    noted = StaffChange.objects.filter(summary__startswith='Export of segment "Group"')
    assert noted.count() == 2
    # What a segment is of cannot be changed, and what is wrong is told.
    assert rows(get(hub, f"{path}?entity=EVENT&eventType=searched&fields=id").content)[0]["id"]
    for wrong in (
        "fields=base.shoe",
        "format=pdf",
        "sort=base.shoe",
        "contactable=x",
        "excel=maybe",
    ):
        name = wrong.partition("=")[0]
        assert get(hub, f"{path}?{wrong}").paths == {f"/{name}"}, wrong
    assert get(hub, path, hub.clients["GUEST"]).status == 403
    assert get(hub, path, hub.untrusted).status == 403
    assert get(hub, f"{hub.path}/segments/{bob}/export").status == 404


@pytest.mark.usefixtures("storage")
def test_a_segment_is_exported_in_the_background(hub: Hub) -> None:
    ada = named(hub, "Ada")
    named(hub, "Bob")
    group = make(hub, are("base.firstName", "EQUALS", "Ada"))
    other = make(hub, are("base.firstName", "EQUALS", "Bob"))
    refresh(hub)
    path = f"{hub.path}/segments/{group['id']}/export"
    job = hub.admin.post(path, {"fields": ["base.firstName"], "sort": ["id"]})
    assert (job.status, job["status"], job["entity"]) == (202, "LOADED", "CUSTOMER")
    gone = hub.admin.post(f"{hub.path}/segments/{other['id']}/export")
    hub.admin.delete(f"{hub.path}/segments/{other['id']}")
    with TestCase.captureOnCommitCallbacks(execute=True):
        write_exports(between_pieces=lambda: None)
    exports = f"{hub.path}/nodes/{hub.node.id}/exports"
    written = get(hub, f"{exports}/{job['id']}")
    assert (written["status"], written["writtenEntities"]) == ("PROCESSED", 1)
    file = get(hub, f"{exports}/{job['id']}/file")
    assert rows(file.content) == [{"id": ada, "base.firstName": "Ada"}]
    # A segment that is no more does not become everybody.
    failed = get(hub, f"{exports}/{gone['id']}")
    assert (failed["status"], failed["writtenEntities"]) == ("FAILED", 0)
    assert "no longer valid" in failed["errorMessage"]
    for body in ({"entity": "EVENT"}, {"query": {}}, {"contactable": 3}, {"fields": 3}):
        assert hub.admin.post(path, body).paths == {f"/{next(iter(body))}"}, body
