"""All workspaces of the installation: for operators."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from configuration.models import WorkspaceStatus
from contacthub_project.admin.form_fields import number
from contacthub_project.admin.site import Refused, StaffContext, page_of_all

SIZE = 20


@page_of_all("workspaces/", "workspaces")
def workspaces(visit: StaffContext) -> HttpResponseBase:
    """Every workspace with its status; making, closing and deleting them."""
    form = visit.request.POST
    made = _change(visit, form) if visit.request.method == "POST" else None
    if made is not None:
        return HttpResponseRedirect(made)
    quick = visit.request.GET.get("q", "").strip()
    wanted = {"page": visit.page_number, "size": SIZE} | ({"name": quick} if quick else {})
    listed, shards = visit.api.get("/workspaces", wanted), visit.api.get("/shards")
    for reply in (listed, shards):
        if not reply.is_good:
            raise Refused(reply)
    return visit.show(
        "workspaces",
        "Workspaces",
        listed=listed.json["elements"],
        page=listed.json["page"],
        quick=quick,
        statuses=WorkspaceStatus.choices,
        shards=shards.json["elements"],
        typed=form,
        kept=visit.kept,
    )


def _change(visit: StaffContext, form: Any) -> str | None:
    """Do what a form asks for; the page to go on with, None when it did not work."""
    here, act, chosen = reverse("office:workspaces"), form.get("act"), form.get("id", "-")
    if act == "add":
        reply = visit.api.write(
            "POST",
            "/workspaces",
            {
                "name": form.get("name", ""),
                "slug": form.get("slug", ""),
                "groupPk": number(form.get("groupPk", "")),
                "shard": form.get("shard", ""),
            },
        )
        if visit.done(reply, "The workspace is there. Make the first node, where customers go."):
            return reverse("office:nodes", kwargs={"workspace_id": reply.json["id"]})
        return None
    path = f"/workspaces/{chosen}"
    current = visit.api.get(path)
    if not current.is_good:
        raise Refused(current)
    if act == "status":
        body = {"status": form.get("status", "")}
        if visit.done(visit.api.write("PUT", f"{path}/status", body), "The status is changed."):
            return here
    elif act == "delete":
        is_sure = visit.has_typed(current.json["name"])
        if is_sure and visit.done(visit.api.write("DELETE", path), "The workspace is deleted."):
            return here
    return None
