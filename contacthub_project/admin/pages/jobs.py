"""Bulk jobs: a file goes in, with a look at it first; a bar shows how far it is."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http.response import HttpResponseBase

from bulkjobs.actions.loading import TASK
from bulkjobs.actions.processing import resume_job, stop_job
from bulkjobs.domain.csv_columns import BadFile, customer_columns, event_columns, rows_of
from bulkjobs.models import BulkJob, BulkJobOperation
from configuration.domain.vocabulary import EVENT_TYPES
from configuration.queries.rules import latest_rules_of
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.site import WorkspaceContext, page
from contacthub_project.core.identifiers import as_uuid
from contacthub_project.messaging.enqueue import enqueue

JOBS = "/nodes/{nodeId}/bulk-jobs"
PREVIEWED = 5
PREVIEW_BYTES = 256 * 1024
ENDED = {"PROCESSED", "FAILED"}


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
    """What a file's beginning says: its first rows, and what is wrong with its columns."""
    form = office.request.POST
    text = form.get("text", "")[:PREVIEW_BYTES]
    rules = latest_rules_of(office.workspace_id)
    header: list[str] = []
    rows: list[list[str]] = []
    fault = ""
    try:
        lines = rows_of(iter(text.splitlines(keepends=True)))
        header = next(lines, [])
        for row in lines:
            rows.append(row)
            if len(rows) == PREVIEWED:
                break
        deletes = form.get("operation") == "DELETE"
        if rules is None or not header:
            fault = "The file is empty."
        elif form.get("entity") == "EVENT":
            schema = rules.event_schema(form.get("eventType") or "genericActiveEvent")
            event_columns(header, schema, with_id=form.get("operation") != "INSERT")
        else:
            customer_columns(header, rules.customer_schema, deletes=deletes)
    except BadFile as wrong:
        fault = str(wrong)
    return office.show(
        "job_preview", "Preview", header=header, rows=rows, fault=fault, is_good=not fault
    )


@page("jobs/<uuid:job_id>/results/", "job-results")
def results(office: WorkspaceContext, job_id: Any) -> HttpResponseBase:
    node = office.node
    return office.file(f"/nodes/{node['id'] if node else '-'}/bulk-jobs/{job_id}/results")


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


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    done = job["processedEntities"] + job["failedEntities"]
    total = job["totalEntities"] or 0
    return job | {
        "done": done,
        "percent": round(100 * done / total) if total else (100 if job["status"] in ENDED else 0),
        "has_ended": job["status"] in ENDED,
        "moves": job["status"] in {"LOADED", "SCHEDULED", "PROCESSING"},
        "is_stopped": job["status"] == "STOPPED",
    }
