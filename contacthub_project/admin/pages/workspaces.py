"""The page of all workspaces, for operators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from configuration.actions.workspaces import demand_second_factor
from configuration.models import Workspace, WorkspaceStatus
from contacthub_project.admin.audit import record_action
from contacthub_project.admin.context import Refused, StaffContext
from contacthub_project.admin.form_fields import number
from contacthub_project.admin.site import page_of_all

SIZE = 20


@page_of_all(
    "workspaces/",
    "workspaces",
    sensitive={
        "second-factor": "You change whether a workspace demands a second factor.",
        "delete": "You delete a workspace with everything in it.",
    },
)
def workspaces(staff: StaffContext) -> HttpResponseBase:
    """List, create, switch and delete workspaces."""
    form = staff.request.POST
    made = _change(staff, form) if staff.request.method == "POST" else None
    if made is not None:
        return HttpResponseRedirect(made)
    quick = staff.request.GET.get("q", "").strip()
    query = {"page": staff.page_number, "size": SIZE} | ({"name": quick} if quick else {})
    listed, shards = staff.api.get("/workspaces", query), staff.api.get("/shards")
    for reply in (listed, shards):
        if not reply.is_good:
            raise Refused(reply)
    elements = listed.json["elements"]
    demanding = set(
        Workspace.objects.filter(
            id__in=[each["id"] for each in elements], demands_second_factor=True
        ).values_list("id", flat=True)
    )
    for each in elements:
        each["demands_second_factor"] = UUID(each["id"]) in demanding
    return staff.show(
        "workspaces",
        "Workspaces",
        listed=elements,
        page=listed.json["page"],
        quick=quick,
        statuses=WorkspaceStatus.choices,
        shards=shards.json["elements"],
        typed=form,
        kept=staff.kept,
    )


def _change(staff: StaffContext, form: Any) -> str | None:
    """Perform the action of the form; return the next page, None when it failed."""
    here, act, chosen = reverse("office:workspaces"), form.get("act"), form.get("id", "-")
    if act == "add":
        reply = staff.api.write(
            "POST",
            "/workspaces",
            {
                "name": form.get("name", ""),
                "slug": form.get("slug", ""),
                "groupPk": number(form.get("groupPk", "")),
                "shard": form.get("shard", ""),
            },
        )
        if staff.done(reply, "The workspace is there. Make the first node, where customers go."):
            return reverse("office:nodes", kwargs={"workspace_id": reply.json["id"]})
        return None
    path = f"/workspaces/{chosen}"
    current = staff.api.get(path)
    if not current.is_good:
        raise Refused(current)
    if act == "status":
        body = {"status": form.get("status", "")}
        if staff.done(staff.api.write("PUT", f"{path}/status", body), "The status is changed."):
            return here
    elif act == "second-factor" and staff.is_operator:
        return _demand_second_factor(staff, current.json, demanded=form.get("demanded") == "yes")
    elif act == "delete":
        is_sure = staff.has_typed(current.json["name"])
        if is_sure and staff.done(staff.api.write("DELETE", path), "The workspace is deleted."):
            return here
    return None


def _demand_second_factor(staff: StaffContext, known: Any, *, demanded: bool) -> str:
    workspace = Workspace.objects.present().get(id=known["id"])
    demand_second_factor(workspace, demanded=demanded)
    record_action(
        staff.user, workspace.id, "Second factor demanded", workspace.name,
        after={"demanded": demanded},
    )  # fmt: skip
    state = "now" if demanded else "no longer"
    messages.success(staff.request, f"A second factor is {state} demanded in {workspace.name}.")
    return reverse("office:workspaces")
