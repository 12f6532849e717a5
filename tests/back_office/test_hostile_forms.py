"""Forms filled in by somebody who means harm: no page of the back-office breaks."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacthub_project.admin.urls import urlpatterns
from tests.analytics.test_answers import post_event
from tests.back_office.office import Staff
from tests.factories import Hub

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "office"
FIELDS = sorted(
    {name for page in TEMPLATES.rglob("*.html")
     for name in re.findall(r'name="([A-Za-z_]+)"', page.read_text())}
    | {"base.firstName", "base.dob", "base.contacts.email", "properties.url", "date", "version"}
)  # fmt: skip
ACTS = sorted({
    act for page in TEMPLATES.rglob("*.html")
    for act in re.findall(r'name="act" value="([a-z-]+)"', page.read_text())
})  # fmt: skip
HOSTILE = (
    "", " ", "x", "0", "-1", "²", "1e999", "NaN", "9" * 5000, "a\0b", "\ufffe", "\u202e", "😀" * 300,
    "<script>alert(1)</script>", "{{ 7*7 }}", "' OR 1=1 --", "../../etc/passwd", "[" * 3000,
    '{"a":' * 500, "null", "[]", "{}", '{"__proto__": 1}', "=1+1", "%00", "true", "2021-02-30",
    "99999-01-01", "01a00000-0000-7000-8000-000000000000", "https://a.example", "ADMIN", "R",
)  # fmt: skip
TRIES = 8


KINDS = {"UUIDConverter": "uuid", "StringConverter": "str", "SlugConverter": "slug"}


@pytest.mark.parametrize("role", ["CLAB_OPERATOR", "USER"])
@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda each: each.name)
def test_no_page_breaks(hub: Hub, pattern: Any, role: str) -> None:
    chance = random.Random(f"{pattern.name} {role}")
    staff = Staff(hub, role)
    person = hub.post_customer(base={"contacts": {"email": "a@x.it"}})["id"]
    event = post_event(hub, person, "loggedIn", "WEB", "2026-01-01T00:00:00Z")
    segment = {"nodeId": str(hub.node.id), "name": "List", "type": "STATIC"}
    segment_id = hub.admin.post(f"{hub.path}/segments", segment)["id"]
    ids = {"workspace_id": hub.workspace.id, "customer_id": person, "event_id": event,
           "node_id": hub.node.id, "other_id": person, "merge_id": person, "receipt_id": person,
           "request_id": person, "segment_id": segment_id, "name": "back-office"}  # fmt: skip
    address = f"/admin/office/{pattern.pattern}"
    for name, converter in pattern.pattern.converters.items():
        kind = KINDS[type(converter).__name__]
        address = address.replace(f"<{kind}:{name}>", str(ids[name]))
    for _ in range(TRIES):
        filled = {
            name: chance.choice(HOSTILE) for name in chance.sample(FIELDS, chance.randint(1, 12))
        }
        if chance.random() < 0.8:
            filled["act"] = chance.choice(ACTS)
        if chance.random() < 0.3:
            filled["file"] = SimpleUploadedFile(
                chance.choice(HOSTILE)[:50] or "f", b"a,b\n\0\xff,1\n"
            )
        for answer in (
            staff.client.post(address, filled, HTTP_HOST="localhost"),
            staff.client.get(
                address,
                {name: value for name, value in filled.items() if isinstance(value, str)},
                HTTP_HOST="localhost",
            ),
        ):
            assert answer.status_code < 500, (filled, answer.content[:300])
            if not answer.streaming:
                assert b"<script>alert(1)" not in answer.content
        if not staff.user.__class__.objects.filter(id=staff.user.id, is_active=True).exists():
            break
