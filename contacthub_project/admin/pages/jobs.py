"""Bulk jobs: a file goes in, with a look at it first; a bar shows how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase

from bulkjobs.actions.loading import TASK
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.actions.storage import readable_file
from bulkjobs.api.forms import reading_of
from bulkjobs.models import BulkJob, BulkJobEntity, BulkJobOperation
from bulkjobs.queries.columns import possible_columns
from bulkjobs.queries.preview import Preview, preview_file
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import latest_rules_of
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.site import WorkspaceContext, page
from contacthub_project.api.uploads import StoredUpload
from contacthub_project.core.errors import Invalid
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.messaging.enqueue import enqueue

JOBS = "/nodes/{nodeId}/bulk-jobs"
PREVIEWED = 5
PREVIEW_BYTES = 64 << 20  # unpacked
DEFAULT_EVENT_TYPE = "genericActiveEvent"  # until one is chosen
ENDED = {"PROCESSED", "FAILED"}
SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@page("jobs/", "jobs")
def jobs(office: WorkspaceContext) -> HttpResponseBase:
    """The jobs of a node, and a form for the next."""
    node = office.node
    if node is None:
        return office.show("empty", "Bulk jobs", message="There is no node that you may read yet.")
    path = f"{office.path}/nodes/{node['id']}/bulk-jobs"
    if office.request.method == "POST":
        reply = office.api.upload(path, office.request)
        if office.done(reply, "The file is taken in."):
            if reply.json["status"] == "FAILED":
                messages.error(office.request, reply.json["errorMessage"])
            return office.go("jobs", {"node": node["id"]})
    found = office.get(f"/nodes/{node['id']}/bulk-jobs", {"size": 50})
    return office.show(
        "jobs",
        "Bulk jobs",
        node=node,
        jobs=[_shown(each) for each in found["elements"]],
        operations=BulkJobOperation.values,
        types=EVENT_TYPES.values(),
        may_write=office.may("POST", JOBS) and "W" in node["permission"],
        is_entry=node["type"] == "ENTRY",
    )


@page("jobs/rows/", "job-rows")
def job_rows(office: WorkspaceContext) -> HttpResponseBase:
    """The rows of the list, as they stand now; asked for every second while something moves."""
    node = office.node
    elements = (
        office.get(f"/nodes/{node['id']}/bulk-jobs", {"size": 50})["elements"] if node else []
    )
    return office.show(
        "job_rows",
        "Bulk jobs",
        node=node,
        jobs=[_shown(each) for each in elements],
        may_write=node is not None and office.may("POST", JOBS) and "W" in node["permission"],
    )


@page("jobs/preview/", "job-preview")
def preview(office: WorkspaceContext) -> HttpResponseBase:
    """What a file is, its first rows, and the properties that were found for its columns."""
    request = office.request
    form, files = request.POST, request.FILES
    rules = latest_rules_of(office.workspace_id)
    upload = files.get("file")
    if rules is None or not isinstance(upload, StoredUpload):
        return office.show("job_preview", "Preview", preview=Preview(fault="The file is empty."))
    entity = form.get("entity")
    if entity not in BulkJobEntity.values:
        entity = BulkJobEntity.CUSTOMER
    event_type = form.get("eventType") or None
    if entity == BulkJobEntity.EVENT and event_type not in EVENT_TYPES:
        event_type = DEFAULT_EVENT_TYPE
    possible = possible_columns(rules, entity, event_type)
    try:
        reading = reading_of(form)
        with readable_file(upload.stored_as) as file:
            found = preview_file(
                file,
                possible,
                reading,
                is_whole=form.get("isWhole") != "false",
                most_bytes=PREVIEW_BYTES,
                rows=PREVIEWED,
            )
    except Invalid as refusal:
        found = Preview(fault="; ".join(f"{each.path} {each.message}" for each in refusal.errors))
    finally:
        request.close()
    return office.show(
        "job_preview",
        "Preview",
        preview=found,
        properties=possible.paths,
        read_as=_read_as(found.layout.as_json() if found.layout else {}),
    )


@page("jobs/template/", "job-template")
def template(office: WorkspaceContext) -> HttpResponseBase:
    """An empty workbook with a column for every property of customers."""
    node = office.node
    return office.file(f"/nodes/{node['id'] if node else '-'}/import-template", {"format": "xlsx"})


@page("jobs/<uuid:job_id>/", "job")
def job(office: WorkspaceContext, job_id: Any) -> HttpResponseBase:
    """A job: what its file was found to be, and how many rows had which outcome."""
    node = office.node
    path = f"/nodes/{node['id'] if node else '-'}/bulk-jobs/{job_id}"
    found = office.get(path)
    report = office.get(f"{path}/report")
    return office.show(
        "job",
        found["bulkJobName"],
        node=node,
        job=_shown(found),
        report=report,
        read_as=_read_as(report),
    )


@page("jobs/<uuid:job_id>/results/", "job-results")
def results(office: WorkspaceContext, job_id: Any) -> HttpResponseBase:
    """The results of a job, or the failed rows of its file, as a file."""
    node = office.node
    query = {"form": office.request.GET.get("form", "results")}
    return office.file(f"/nodes/{node['id'] if node else '-'}/bulk-jobs/{job_id}/results", query)


@page("jobs/<uuid:job_id>/<str:what>/", "job-switch")
def switch(office: WorkspaceContext, job_id: Any, what: str) -> HttpResponseBase:
    """Stop a job, have a stopped one go on, or delete one."""
    node = office.node
    if office.request.method == "POST" and node is not None and what == "delete":
        reply = office.api.write("DELETE", f"{office.path}/nodes/{node['id']}/bulk-jobs/{job_id}")
        office.done(reply, "The job is deleted.")
    elif office.request.method == "POST" and node is not None and what in {"stop", "resume"}:
        # The API decides whether the job is there and may be seen.
        office.get(f"/nodes/{node['id']}/bulk-jobs/{job_id}")
        if not (office.may("POST", JOBS) and "W" in node["permission"]):
            messages.error(office.request, "You may not change the jobs of this node.")
        else:
            job = BulkJob.objects.in_node(office.workspace_id, as_uuid(node["id"])).get(id=job_id)  # type: ignore[arg-type]
            if what == "stop":
                stop_job(job)
            else:
                resume_job(job)
                enqueue(TASK)
            record_action(office.user, office.workspace_id, f"Bulk job: {what}", str(job_id))
            messages.success(office.request, f"{job.filename}: {what}.")
    return office.go("jobs", {"node": node["id"]} if node else None)


def _read_as(found: Mapping[str, Any]) -> str:
    """What a file was found to be, of a layout or a report, in words."""
    separator = found.get("separator")
    order = found.get("dateOrder")
    parts = [
        found.get("format") or found.get("container"),
        found.get("encoding"),
        f"sheet {found['sheet']}" if found.get("sheet") else None,
        f"separated by {SEPARATOR_NAMES.get(separator, separator)}" if separator else None,
        f"{found['values']} values" if found.get("values") else None,
        f"dates as {order}" if order else None,
    ]
    return ", ".join(part for part in parts if part)


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    done = job["processedEntities"]
    total = job["totalEntities"] or 0
    return job | {
        "done": done,
        "percent": round(100 * done / total) if total else (100 if job["status"] in ENDED else 0),
        "has_ended": job["status"] in ENDED,
        "moves": job["status"] in {"LOADED", "SCHEDULED", "PROCESSING"},
        "is_stopped": job["status"] == "STOPPED",
    }
