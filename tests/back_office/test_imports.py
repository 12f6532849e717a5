"""Imports and exports in the back-office: wizard, lists, pages of jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now

from bulkjobs.actions.exporting import write_exports
from bulkjobs.actions.processing import process
from bulkjobs.models import BulkJob, ExportJob
from configuration.models import StaffChange
from customers.models import Customer
from tests.back_office.office import Page, Staff
from tests.factories import Hub

GOOD = "Nome;Email\nAnna;a@x.it\n"


@pytest.fixture(autouse=True)
def _storage(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def form(hub: Hub, content: str | bytes = GOOD, **fields: Any) -> dict[str, Any]:
    content = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(fields.pop("name", "people.csv"), content)
    return {
        "node": str(hub.node.id), "rows": "CUSTOMER", "operation": "UPSERT", "values": "lenient",
        "file": file,
    } | fields  # fmt: skip


def send(staff: Staff, hub: Hub, content: str | bytes = GOOD, **fields: Any) -> Any:
    """Send the form as the page's script does."""
    return staff.client.post(
        staff.admin_url("bulkjobs_bulkjob_add"), form(hub, content, **fields),
        HTTP_HOST="localhost", HTTP_ACCEPT="application/json",
    )  # fmt: skip


def test_a_file_is_previewed_tried_and_imported(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    assert "Drop a file here" in staff.open_admin("bulkjobs_bulkjob_add")

    def preview(content: str, **fields: Any) -> Page:
        sent = form(hub, content.encode("cp1252"), **fields)
        return staff.submit_admin("bulkjobs_bulkjob_preview", **sent)

    page = preview("Nome;Email\nZoë;a@x.it\n")
    assert "CSV, windows-1252, separated by semicolons" in page
    assert "All columns are understood" in page
    assert "Zoë" in page
    assert 'value="base.firstName"' in page.html
    page = preview("a.b.c,Email\n1,a@x.it\n")
    assert "columns are not known: a.b.c" in page
    assert 'data-header="a.b.c"' in page.html
    left_out = preview("a.b.c,Email\n1,a@x.it\n", mapping='{"a.b.c": null}')
    assert "All columns are understood" in left_out
    assert "could not be read" in preview("Email\n", mapping="x")
    assert "This field is required" in staff.submit_admin("bulkjobs_bulkjob_preview")
    assert not default_storage.listdir("bulk-jobs")[1]
    answer = send(staff, hub, "Email,externalId\nno-email,1\nb@x.it,2\n", dryRun="true")
    assert answer.status_code == 201
    assert process(seconds=60)
    tried = staff.client.get(answer.json()["job"], HTTP_HOST="localhost").content.decode()
    assert "A dry run" in tried
    assert not Customer.objects.exists()
    outcome = Page(staff.client.get(answer.json()["outcome"], HTTP_HOST="localhost"))
    assert "would be created 1" in outcome
    assert "refused 1" in outcome
    assert "no-email" in outcome  # whose row it is
    mended = staff.open_admin("bulkjobs_bulkjob_results", answer.json()["id"], form="input")
    assert "Email,externalId,#error" in mended.html
    page = staff.submit_admin("bulkjobs_bulkjob_add", **form(hub))
    assert "waiting" in page
    assert process(seconds=60)
    job = BulkJob.objects.get(dry_run=False)
    page = staff.open_admin("bulkjobs_bulkjob_change", job.id)
    for text in ("done", "1 of 1 rows", "created 1", "base.firstName", staff.user.username):
        assert text in page, text
    assert Customer.objects.get().base["firstName"] == "Anna"
    assert "created" in staff.open_admin("bulkjobs_bulkjob_results", job.id).html


def test_a_list_is_filtered_and_only_what_moves_is_asked_for_again(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    send(staff, hub, name="one.csv")
    send(staff, hub, name="two.csv", operation="INSERT")
    assert process(seconds=60)
    send(staff, hub, name="three.csv")
    waiting = BulkJob.objects.get(filename="three.csv")
    page = staff.open_admin("bulkjobs_bulkjob_changelist")
    assert page.html.count("data-moves") == 1
    found = staff.open_admin("bulkjobs_bulkjob_changelist", operation__exact="INSERT")
    assert "two.csv" in found
    assert "one.csv" not in found
    assert "one.csv" in staff.open_admin("bulkjobs_bulkjob_changelist", q="ONE")
    nowhere = staff.open_admin("bulkjobs_bulkjob_changelist", node=str(hub.other_node.id))
    assert "one.csv" not in nowhere
    answer = staff.open_admin("bulkjobs_bulkjob_progress", id=[str(waiting.id), "x", "0" * 36])
    (reported,) = json.loads(answer.html).values()
    assert reported["moves"]
    assert reported["parts"]["counts"] == "0 of 1 rows"
    assert process(seconds=60)
    reported = json.loads(staff.open_admin("bulkjobs_bulkjob_progress", id=str(waiting.id)).html)
    assert reported[str(waiting.id)]["news"] == "three.csv: done. 1 of 1 rows"


def test_a_deletion_needs_a_dry_run_and_its_number(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    for name in ("a", "b", "c"):
        hub.post_customer(base={"contacts": {"email": f"{name}@x.it"}})
    file = "Email\na@x.it\nb@x.it\nnobody@x.it\n"
    refused = send(staff, hub, file, operation="DELETE")
    assert refused.status_code == 400
    assert "Try it first" in refused.json()["faults"][0]
    tried = send(staff, hub, file, operation="DELETE", dryRun="true").json()["id"]
    still_running = send(staff, hub, file, operation="DELETE", tried=tried, typed="2")
    assert "Try it first" in still_running.json()["faults"][0]
    assert process(seconds=60)
    kept = default_storage.listdir("bulk-jobs")[1]
    for wrong in (
        {"typed": "3"}, {"typed": ""}, {"typed": "2", "name": "others.csv"},
        {"typed": "2", "node": str(hub.other_node.id)},
    ):  # fmt: skip
        answer = send(staff, hub, file, **{"operation": "DELETE", "tried": tried} | wrong)
        assert answer.status_code == 400, wrong
    assert default_storage.listdir("bulk-jobs")[1] == kept
    other = send(
        Staff(hub, "ADMIN"), hub, file, operation="DELETE", tried=tried, typed="2"
    )  # somebody else has tried
    assert other.status_code == 400
    assert BulkJob.objects.count() == 1
    assert send(staff, hub, file, operation="DELETE", tried=tried, typed="2").status_code == 201
    assert process(seconds=60)
    assert Customer.objects.filter(deleted=0).count() == 1


def test_a_job_is_stopped_gone_on_with_and_deleted(hub: Hub) -> None:
    staff, guest = Staff(hub, "ADMIN"), Staff(hub, "GUEST")
    send(staff, hub)
    job = BulkJob.objects.get()
    for name in ("stop", "resume", "delete"):
        guest.submit_admin(f"bulkjobs_bulkjob_{name}", job.id, post="yes")
        assert staff.open_admin(f"bulkjobs_bulkjob_{name}", job.id).status in {200, 302}
    job.refresh_from_db()
    assert job.status == "LOADED"
    assert "The job has not ended yet." in Page(
        staff.client.get(
            staff.admin_url("bulkjobs_bulkjob_results", job.id), HTTP_HOST="localhost", follow=True
        )
    )
    assert "Nothing has been done" in staff.submit_admin("bulkjobs_bulkjob_resume", job.id)
    page = staff.submit_admin("bulkjobs_bulkjob_stop", job.id)
    assert "The job is stopped." in page
    assert "Go on" in page
    assert process(seconds=60)
    assert not Customer.objects.exists()
    assert "The job goes on." in staff.submit_admin("bulkjobs_bulkjob_resume", job.id)
    assert process(seconds=60)
    assert Customer.objects.count() == 1
    assert "What its rows have changed stays" in staff.open_admin("bulkjobs_bulkjob_delete", job.id)
    staff.submit_admin("bulkjobs_bulkjob_delete", job.id, post="yes")
    assert not BulkJob.objects.kept().exists()
    assert "people.csv" not in staff.open_admin("bulkjobs_bulkjob_changelist")
    changes = StaffChange.objects.filter(user=staff.user).order_by("id")
    assert [each.summary for each in changes if "job" in each.summary.lower()] == [
        "Create a bulk job", "Bulk job: stop", "Bulk job: resume", "Delete a bulk job",
    ]  # fmt: skip


def test_others_jobs_are_not_to_be_had(hub: Hub) -> None:
    stranger = Hub()
    theirs = Staff(stranger, "ADMIN")
    send(theirs, stranger, name="secret.csv")
    job = BulkJob.objects.get()
    export = ExportJob.objects.create(
        workspace_id=stranger.workspace.id, node_id=stranger.node.id, entity="CUSTOMER",
        request={"eventType": None}, file_format="csv",
    )  # fmt: skip
    closed = Staff(stranger, "USER", grants={stranger.other_node: "RW"})
    for staff in (Staff(hub, "ADMIN"), closed):
        assert "secret.csv" not in staff.open_admin("bulkjobs_bulkjob_changelist")
        for name in ("results", "stop", "resume", "outcome"):
            assert staff.submit_admin(f"bulkjobs_bulkjob_{name}", job.id).status == 404, name
        assert staff.open_admin("bulkjobs_bulkjob_change", job.id).status in {302, 404}
        assert staff.open_admin("bulkjobs_exportjob_file", export.id).status == 404
        assert staff.open_admin("bulkjobs_bulkjob_progress", id=str(job.id)).html == "{}"
        assert send(staff, stranger).status_code == 400
    assert Client().get(theirs.admin_url("bulkjobs_bulkjob_progress")).status_code == 302
    guest = Staff(hub, "GUEST")
    assert guest.open_admin("bulkjobs_bulkjob_add").status == 403
    assert send(guest, hub).status_code == 403
    assert not default_storage.listdir("bulk-jobs")[1][1:]


def test_hostile_imports(hub: Hub) -> None:
    staff = Staff(hub, "ADMIN")
    for fields in (
        {"content": b"\0\xff\0"}, {"rows": "x"}, {"operation": "DROP"}, {"mapping": "[" * 3000},
        {"mapping": '{"Email": 5}'}, {"mapping": '{"Email": "a.b"}'}, {"encoding": "utf-9"},
        {"sheet": "\0" * 20}, {"node": "x"}, {"node": "' OR 1=1 --"}, {"tried": "x"},
        {"name": "\ufffe\u202e.csv"}, {"content": b""}, {"content": b"PK\x03\x04"},
        {"content": "Email\n" + '"' * 1001}, {"typed": "9" * 500, "operation": "DELETE"},
    ):  # fmt: skip
        assert send(staff, hub, **fields).status_code in {201, 400}, fields  # type: ignore[arg-type]
        content = fields.get("content", GOOD)
        sent = form(hub, content, **{name: fields[name] for name in fields if name != "content"})  # type: ignore[arg-type]
        assert staff.submit_admin("bulkjobs_bulkjob_preview", **sent).status == 200
    for job in BulkJob.objects.all():
        assert staff.open_admin("bulkjobs_bulkjob_change", job.id).status == 200
    address = staff.admin_url("bulkjobs_bulkjob_template")
    for rows in ("completedOrder", "x", ""):
        template = staff.client.get(address, {"rows": rows}, HTTP_HOST="localhost")
        assert b"".join(template.streaming_content).startswith(b"PK")  # type: ignore[arg-type]


def test_a_customers_export(hub: Hub, django_capture_on_commit_callbacks: Any) -> None:
    staff = Staff(hub, "ADMIN")
    for name in ("Anna", "Bruno"):
        hub.post_customer(base={"firstName": name, "contacts": {"email": f"{name}@x.it"}})
    query = {
        "name": "", "query": {"type": "simple", "name": "q", "are": {"condition": {
            "type": "atomic", "attribute": "base.firstName", "operator": "EQUALS",
            "value": "Anna"}}},
    }  # fmt: skip
    page = staff.open_admin("bulkjobs_exportjob_add", query="{}", node=str(hub.node.id))
    assert "{}" in page
    fields = {
        "from_node": str(hub.node.id), "rows": "CUSTOMER", "file_format": "csv", "has_mark": "on",
        "columns": "base.firstName\r\nbase.contacts", "condition": json.dumps(query), "order": "",
    }  # fmt: skip
    for wrong, message in (
        ({"columns": "base.nothing"}, "base.nothing is no column"),
        ({"condition": "{"}, "This is not JSON."),
        ({"order": "nothing,asc"}, "cannot be sorted"),
        ({"rows": "completedOrder"}, "is for customers only"),
    ):
        refused = staff.submit_admin("bulkjobs_exportjob_add", **fields | wrong)
        assert message in refused, refused.text
        assert "base.contacts" in refused.html or "columns" in wrong
    assert not ExportJob.objects.exists()
    page = staff.submit_admin("bulkjobs_exportjob_add", **fields)
    export = ExportJob.objects.get()
    assert "waiting" in page
    write_exports(between_pieces=lambda: None)
    page = staff.open_admin("bulkjobs_exportjob_change", export.id)
    for text in ("done", "1 rows", "base.firstName, base.contacts", "Download", "EQUALS"):
        assert text in page, text
    file = staff.open_admin("bulkjobs_exportjob_file", export.id)
    assert file.html.startswith("\ufeff")
    assert "Anna@x.it" in file.html
    assert "Bruno" not in file.html
    logged = StaffChange.objects.filter(user=staff.user, path__endswith="/export")
    assert logged.exists()
    listed = staff.open_admin("bulkjobs_exportjob_changelist", q=staff.user.username)
    assert "Customers" in listed
    with django_capture_on_commit_callbacks(execute=True):
        staff.submit_admin("bulkjobs_exportjob_delete", export.id, post="yes")
    assert not ExportJob.objects.exists()
    assert not default_storage.listdir("exports")[1]


def test_lists_are_bounded_in_queries(hub: Hub, django_assert_max_num_queries: Any) -> None:
    staff = Staff(hub, "ADMIN")
    moment = now()
    for model, more in (
        (BulkJob, {"filename": "f.csv", "operation": "UPSERT", "updated_at": moment}),
        (ExportJob, {"request": {"eventType": None}, "file_format": "csv"}),
    ):
        model.objects.bulk_create(
            model(
                workspace_id=hub.workspace.id, node_id=hub.node.id, entity="CUSTOMER",
                status="PROCESSED", created_at=moment, **more,
            )
            for _ in range(60)
        )  # fmt: skip
        name = f"bulkjobs_{model._meta.model_name}_changelist"
        staff.open_admin(name)
        with django_assert_max_num_queries(25):
            assert staff.open_admin(name).status == 200
