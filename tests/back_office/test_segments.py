"""Segments in the back-office."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segments.models import Segment
from tests.back_office.office import Staff
from tests.factories import Hub
from tests.segments.test_segments import are, make, members, named, refresh, static

RULES = {
    "match": "all",
    "rules": [{"property": "base.firstName", "operator": "EQUALS", "value": "Ada"}],
}


def test_a_segment_is_built_of_rules_shown_changed_and_deleted(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    form = {
        "name": "Adas", "description": "", "owner": "", "kind": "DYNAMIC", "tag_words": "one, two",
        "node": str(hub.node.id), "rules": json.dumps(RULES),
    }  # fmt: skip
    assert "data-rule-builder" in staff.open_admin("segments_segment_add").html
    refused = staff.submit_admin("segments_segment_add", **form | {"rules": ""})
    assert "is required" in refused.text
    staff.submit_admin("segments_segment_add", **form)
    segment = Segment.objects.get()
    assert (segment.tags, segment.node_id) == (["one", "two"], hub.node.id)
    refresh(hub)
    assert members(hub, str(segment.id)) == {ada}
    listed = staff.open_admin("segments_segment_changelist")
    assert "Adas" in listed
    assert "ready" in listed
    displayed = staff.open_admin("segments_segment_change", segment.id)
    assert "Members, changed last Ada" in displayed
    assert "Adas" in staff.open("customer", customer_id=ada)
    assert "Adas" not in staff.open("customer", customer_id=bob)
    segment.refresh_from_db()
    del form["kind"]
    other = {"match": "any", "rules": [{**RULES["rules"][0], "value": "Bob"}, *RULES["rules"]]}
    form |= {"version": str(segment.version), "rules": json.dumps(other), "name": "Both"}
    staff.submit_admin("segments_segment_change", segment.id, **form)
    refresh(hub)
    assert members(hub, str(segment.id)) == {ada, bob}
    came = staff.open_admin("segments_segment_change", segment.id)
    assert "entered Bob" in came.text
    staff.submit_admin("segments_segment_delete", segment.id, post="yes")
    refresh(hub)
    assert not Segment.objects.exists()


def test_a_list_and_a_query_beyond_the_builder_are_shown(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    form = {
        "name": "List", "description": "", "owner": "", "kind": "STATIC", "tag_words": "",
        "node": str(hub.node.id), "rules": "",
    }  # fmt: skip
    staff.submit_admin("segments_segment_add", **form)
    segment = Segment.objects.get()
    assert "There is nobody in it" in staff.open_admin("segments_segment_change", segment.id)
    query = {"name": "", "query": {"type": "simple", "segment": str(segment.id)}}
    body = {"nodeId": str(hub.node.id), "name": "Same", "query": query}
    same = hub.admin.post(f"{hub.path}/segments", body)["id"]
    assert "more than the builder shows" in staff.open_admin("segments_segment_change", same)


def test_guests_see_and_do_not_change(hub: Hub) -> None:
    body = {"nodeId": str(hub.node.id), "name": "Guests", "type": "STATIC"}
    made = hub.admin.post(f"{hub.path}/segments", body)["id"]
    guest = Staff(hub, "GUEST")
    assert "Guests" in guest.open_admin("segments_segment_changelist")
    assert guest.open_admin("segments_segment_change", made).status == 200
    assert guest.open_admin("segments_segment_add").status == 403
    elsewhere = Staff(hub, "GUEST", grants={hub.other_node: "R"})
    assert "Guests" not in elsewhere.open_admin("segments_segment_changelist")


def test_overlap_is_a_picture(hub: Hub) -> None:
    staff = Staff(hub, "GUEST")
    assert "nothing to compare" in staff.open("segment-overlap")
    for each in ("Ada", "Bob", "Bobby", "Carl"):
        named(hub, each)
    some = make(hub, are("base.firstName", "IN", ["Ada", "Bob", "Bobby"]), name="Some")
    bobs = make(hub, are("base.firstName", "IN", ["Bob", "Bobby"]), name="Bobs")
    refresh(hub)
    one = staff.open("segment-overlap", {"segment": some["id"]})
    assert "Choose another one" in one
    page = staff.open("segment-overlap", {"segment": [some["id"], bobs["id"]]})
    assert page.html.index('title="Bobs and Some"') < page.html.index('title="Some"')
    assert page.html.count('class="office-in"') == 3
    assert 'width="100%"' in page.html
    assert 'width="50%"' in page.html
    assert "Overlap…" in staff.open_admin("segments_segment_change", some["id"])


def test_a_list_is_filled_from_a_file(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    hub.post_customer(externalId="C-1")
    chosen = static(hub)
    assert "Fill from a file" in staff.open_admin("segments_segment_change", chosen)

    def fill(content: bytes) -> Any:
        file = SimpleUploadedFile("people.csv", content)
        return staff.submit("fill-segment", {"file": file}, segment_id=chosen)

    done = fill(f"\ufeffname;id\nAda;{ada}\nNobody;{hub.node.id}\n".encode())
    assert "1 are new on the list" in done
    assert "1 of the file are not customers" in done
    assert "2 are new on the list" in fill(f"{bob}\r\nC-1\r\n\r\n".encode())
    refresh(hub)
    assert len(members(hub, chosen)) == 3
    for bad, words in (
        (b"", "the file names nobody"), (b"%PDF-1.7", "a PDF document"), (bytes(range(9)) * 9, "the file is no text"),
        (b"id\n\n", "the file names nobody"),
    ):  # fmt: skip
        assert words in fill(bad), bad
    assert "Choose a file" in staff.submit("fill-segment", {}, segment_id=chosen)
    guest = Staff(hub, "GUEST")
    assert guest.submit("fill-segment", {}, segment_id=chosen).status == 403
    assert "Fill from a file" not in guest.open_admin("segments_segment_change", chosen)


@pytest.mark.parametrize("suffix", ["windows-1252", "gz", "xlsx"])
def test_files_of_other_programs_fill_a_list(hub: Hub, suffix: str) -> None:
    staff = Staff(hub, "ADMIN")
    zoe = str(hub.post_customer(externalId="Zoë-é1")["id"])
    bob = str(hub.post_customer(externalId="B;2")["id"])
    chosen = static(hub)
    rows = [["name", "externalId"], ["Zoë Müller", "Zoë-é1"], ["Bób", "B;2"]]
    file = SimpleUploadedFile(f"people.{suffix}", saved_as(suffix, rows))
    assert "2 are new on the list" in staff.submit(
        "fill-segment", {"file": file}, segment_id=chosen
    )
    refresh(hub)
    assert members(hub, chosen) == {zoe, bob}


def saved_as(suffix: str, rows: list[list[str]]) -> bytes:
    """Return rows as other programs save them: with semicolons in cp1252, packed, as a workbook."""
    if suffix == "xlsx":
        book, content = openpyxl.Workbook(), io.BytesIO()
        for row in rows:
            book.active.append(row)
        book.save(content)
        return content.getvalue()
    text = "".join(";".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    return gzip.compress(text.encode()) if suffix == "gz" else text.encode("cp1252")


def test_customers_of_the_list_are_put_on_a_static_segment(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    ada, bob, carl = (named(hub, each) for each in ("Ada", "Bob", "Carl"))
    assert "Put on the list" not in staff.open("customers")
    chosen = static(hub)
    assert "Put on the list" in staff.open("customers")

    def bulk(act: str, query: str = "", **form: Any) -> Any:
        return staff.submit("bulk-customers", {"act": act, "list": chosen} | form, query)

    assert "2 are new on the list" in bulk("add-to-list", id=[ada, bob])
    assert "1 are off the list" in bulk("take-from-list", id=[ada])
    refresh(hub)
    assert members(hub, chosen) == {bob}
    rules = json.dumps({"match": "all", "rules": [{**RULES["rules"][0], "value": "Carl"}]})
    assert "1 are new on the list" in bulk("list-everybody", urlencode({"rules": rules}))
    refresh(hub)
    assert members(hub, chosen) == {bob, carl}
    assert "1 are new on the list" in bulk("list-everybody")
    assert "Nobody is ticked" in bulk("add-to-list")
    assert "segment not found" in bulk("add-to-list", id=[ada], list="x")


def test_segments_are_a_column_and_a_filter_of_the_list(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    assert "In the segment" not in staff.open("customers")
    adas = make(hub, are("base.firstName", "EQUALS", "Ada"), name="Adas")["id"]
    make(hub, are("base.firstName", "IN", ["Ada", "Bob"]), name="Both")
    refresh(hub)
    displayed = staff.open("customers", {"column": "segments"})
    assert "Adas, Both" in displayed

    def listed(**form: Any) -> set[str]:
        page = staff.open("customers", form)
        return {each for each in (ada, bob) if f'value="{each}"' in page.html}

    assert listed() == {ada, bob}
    assert listed(segment=adas) == {ada}
    assert listed(segment=adas, q="bob") == set()
    assert listed(segment="nonsense") == {ada, bob}
    unknown = staff.open("customers", {"segment": "00000000-0000-0000-0000-000000000000"})
    assert "is not a segment of this workspace" in unknown
    everybody = staff.submit("export-customers", {}, f"node={hub.node.id}&segment={adas}").html
    assert ("ada@example.com" in everybody, "bob@example.com" in everybody) == (
        True,
        False,
    )
    search = {"node": str(hub.node.id), "segment": adas}
    staff.submit("saved-searches", {"name": "Kept"}, urlencode(search))
    assert f"segment={adas}" in staff.open("customers").html
    staff.submit("segment-of-search", {"name": "Copy"}, urlencode(search))
    refresh(hub)
    assert members(hub, str(Segment.objects.get(name="Copy").id)) == {ada}
    assert f"segment={adas}" in staff.open_admin("segments_segment_change", adas).html


def test_searches_become_segments(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    ada, bob = named(hub, "Ada"), named(hub, "Bob")
    search = {"node": str(hub.node.id), "rules": json.dumps(RULES), "q": "ada"}
    staff.submit("saved-searches", {"name": "All Adas"}, urlencode(search))
    page = staff.open("customers")
    assert "Make it a segment" in page
    made = staff.submit("segment-of-search", {"name": "Adas"}, urlencode(search))
    assert "The segment is made" in made
    staff.submit("segment-of-search", {"name": "Everybody"}, urlencode({"node": hub.node.id}))
    refresh(hub)
    found = {each.name: members(hub, str(each.id)) for each in Segment.objects.all()}
    assert found == {"Adas": {ada}, "Everybody": {ada, bob}}
    refused = staff.submit("segment-of-search", {"name": ""}, urlencode(search))
    assert Segment.objects.count() == 2, refused.text
    wrong = staff.submit("segment-of-search", {"name": "x"}, urlencode({"rules": "{"}))
    assert Segment.objects.count() == 2, wrong.text
    guest = Staff(hub, "GUEST")
    assert "Make it a segment" not in guest.open("customers")
    assert guest.submit("segment-of-search", {"name": "x"}).status == 403
