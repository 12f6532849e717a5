"""Segments beyond their forms: overlap as a picture, files, and segments made of searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from analytics.admin.charts import localized
from bulkjobs.actions.storage import readable_file
from bulkjobs.domain.faults import BadFile
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.pages.customer_query import EVERYBODY, list_search
from contacthub_project.admin.sign_in.reauthentication import ANY
from contacthub_project.admin.site import page
from contacthub_project.core.identifiers import as_uuid
from segments.domain.listed_people import listed_people

MOST_OVERLAPPING = 4
LARGEST_FILE = 5 * 1024 * 1024
LARGEST_UNPACKED = 64 << 20
MEMBERS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Intersection:
    """Customers that are in exactly some of the compared segments.

    `dots` says for each of these whether it is one of them; `percent` is the length of the bar.
    """

    names: str
    dots: tuple[bool, ...]
    count: int
    percent: int


@page("segments/overlap/", "segment-overlap")
def segment_overlap(office: WorkspaceContext) -> HttpResponseBase:
    """Show how many customers are in exactly which of two to four segments of a node."""
    node = office.node
    if node is None:
        return office.show(
            "empty", gettext("Overlap"), message=gettext("There is no node that you may read yet.")
        )
    offered = [each for each in office.everything("/segments") if each["nodeId"] == node["id"]]
    selected_ids = [each for each in office.request.GET.getlist("segment") if each]
    chosen = [each for each in offered if each["id"] in selected_ids]
    fault = ""
    if len(chosen) > MOST_OVERLAPPING:
        fault = gettext("Choose {most_overlapping} at most.").format(
            most_overlapping=MOST_OVERLAPPING
        )
    elif len(chosen) == 1:
        fault = gettext("Choose another one to compare it with.")
    is_comparable = len(chosen) > 1 and not fault
    return office.show(
        "segment_overlap",
        gettext("Overlap of segments"),
        node=node,
        offered=offered,
        selected_ids=_padded(selected_ids),
        chosen=chosen if is_comparable else [],
        intersections=_intersections(office, chosen) if is_comparable else [],
        fault=fault,
    )


def _padded(ids: list[str]) -> list[str]:
    """Return an id, or none yet, for each segment that can be compared."""
    return (ids + [""] * MOST_OVERLAPPING)[:MOST_OVERLAPPING]


def _intersections(office: WorkspaceContext, chosen: list[dict[str, Any]]) -> list[Intersection]:
    """Return the combinations of segments that somebody is in, the largest first."""
    ids = [each["id"] for each in chosen]
    found = office.get("/segments/overlap", {"segmentIds": ",".join(ids)})["elements"]
    some = sorted((each for each in found if each["count"]), key=lambda each: -each["count"])
    most = max((each["count"] for each in some), default=1)
    return [
        Intersection(
            gettext(" and ").join(one["name"] for one in chosen if one["id"] in each["segments"]),
            tuple(segment_id in each["segments"] for segment_id in ids),
            each["count"],
            max(1, round(100 * each["count"] / most)),
        )
        for each in some
    ]


@page(
    "segments/<uuid:segment_id>/export/",
    "export-segment",
    sensitive={ANY: gettext_lazy("You export all customers in a segment as a file.")},
)
def export_segment(office: WorkspaceContext, segment_id: Any) -> HttpResponseBase:
    """Download the customers in a segment as a CSV file."""
    if office.request.method != "POST":
        return _to_segment(segment_id)
    return office.file(f"/segments/{segment_id}/export")


@page("segments/<uuid:segment_id>/file/", "fill-segment")
def fill_segment(office: WorkspaceContext, segment_id: Any) -> HttpResponseBase:
    """Put the customers that a file names on the list of a static segment."""
    request = office.request
    if request.method != "POST":
        return _to_segment(segment_id)
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST_FILE:
        messages.error(
            request, gettext("Choose a file of at most 5 MB, with an id or external id a line.")
        )
        return _to_segment(segment_id)
    try:
        with readable_file(file.stored_as) as stored:  # type: ignore[attr-defined]
            people = listed_people(stored, most_bytes=LARGEST_UNPACKED)
    except BadFile as fault:
        messages.error(request, gettext("The list cannot be read: {fault}.").format(fault=fault))
        return _to_segment(segment_id)
    added, unknown = 0, 0
    for name, values in (("add", people.ids), ("addExternalIds", people.external_ids)):
        for first in range(0, len(values), MEMBERS_AT_ONCE):
            body = {name: values[first : first + MEMBERS_AT_ONCE]}
            path = f"{office.path}/segments/{segment_id}/members"
            reply = office.api.write("POST", path, body)
            if not reply.is_good:
                office.done(reply, "")
                return _to_segment(segment_id)
            added += reply.json["added"]
            unknown += len(reply.json["unknown"]) + len(reply.json["unknownExternalIds"])
    messages.success(
        request, gettext("{count} are new on the list.").format(count=localized(added))
    )
    if unknown:
        messages.warning(
            request,
            gettext("{count} of the file are not customers of the node.").format(
                count=localized(unknown)
            ),
        )
    return _to_segment(segment_id)


@page("segments/of-search/", "segment-of-search")
def segment_of_search(office: WorkspaceContext) -> HttpResponseBase:
    """Make a segment of the search in the address, under a name."""
    request, node = office.request, office.node
    back = office.url("customers", dict(request.GET.lists()))
    if request.method != "POST" or node is None:
        return HttpResponseRedirect(back)
    search = list_search(request.GET)
    if search.fault:
        messages.error(request, search.fault)
        return HttpResponseRedirect(back)
    body = {
        "nodeId": node["id"],
        "name": request.POST.get("name", "").strip(),
        "query": search.query or EVERYBODY,
    }
    reply = office.api.write("POST", f"{office.path}/segments", body)
    if not office.done(reply, gettext("The segment is made; its members are being found.")):
        return HttpResponseRedirect(back)
    return _to_segment(as_uuid(reply.json["id"]))


def _to_segment(segment_id: Any) -> HttpResponseBase:
    return HttpResponseRedirect(reverse("admin:segments_segment_change", args=[segment_id]))
