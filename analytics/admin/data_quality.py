"""The page of data quality: how properties are filled, and what is refused of each source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext, gettext_lazy

from analytics.admin.charts import localized
from configuration.models import Source
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.site import page

PERCENT = 100
STATES = {
    "ENABLED": "",
    "DISABLED": gettext_lazy("disabled"),
    "UNKNOWN": gettext_lazy("no longer in the schema"),
}
ENTITIES = {"CUSTOMER": gettext_lazy("Customers"), "EVENT": gettext_lazy("Events")}
PEOPLE = gettext_lazy("People")
GONE = gettext_lazy("A source that was deleted")


SAMPLE = 2000  # customers and changes that are read at first


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A property in the table; `percent` is the share of customers who have it."""

    path: str
    state: str
    filled: str
    percent: str
    distinct: str
    invalid: str


@page("data-quality/", "data-quality")
def data_quality(office: WorkspaceContext) -> HttpResponseBase:
    """Show the properties of a node's customers or of all, and the refused share of sources."""
    node_id = office.request.GET.get("node")
    node = next((each for each in office.nodes if each["id"] == node_id), None)
    is_large = office.request.GET.get("sample") == "large"
    query = ({"nodeId": node["id"]} if node else {}) | ({} if is_large else {"sampleSize": SAMPLE})
    found = office.get("/data-quality", query)
    read = found["sampleSize"]
    used = [each for each in found["properties"] if each["filled"] or each["invalid"]]
    return office.show(
        "data_quality",
        gettext("Data quality"),
        node=node,
        customers=localized(found["customers"]),
        read=localized(read),
        is_sampled=found["sampled"],
        may_read_more=not is_large and (found["sampled"] or found["sources"]["sampled"]),
        properties=[_property_row(each, read) for each in used],
        never_filled=[each["path"] for each in found["properties"] if each not in used],
        sources=_source_rows(office, found["sources"]["elements"]),
        are_estimates=found["sources"]["sampled"],
    )


def _property_row(counted: dict[str, Any], read: int) -> PropertyRow:
    distinct = counted["distinct"]
    return PropertyRow(
        path=counted["path"],
        state=str(STATES[counted["state"]]),
        filled=localized(counted["filled"]),
        percent=_percent(counted["filled"] / read),
        distinct=gettext("not compared") if distinct is None else localized(distinct),
        invalid=localized(counted["invalid"]) if counted["invalid"] else "",
    )


def _source_rows(office: WorkspaceContext, elements: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the rows of sources, with the largest refused share first."""
    sources = Source.objects.in_workspace(office.workspace_id)
    names = {str(source_id): name for source_id, name in sources.values_list("id", "name")}
    ordered = sorted(elements, key=lambda each: (-each["refusedShare"], -each["refused"]))
    return [
        {
            "name": str(
                PEOPLE if each["sourceId"] is None else names.get(each["sourceId"]) or GONE
            ),
            "entity": str(ENTITIES[each["entity"]]),
            "accepted": localized(each["accepted"]),
            "refused": localized(each["refused"]),
            "percent": _percent(each["refusedShare"]),
        }
        for each in ordered
    ]


def _percent(share: float) -> str:
    """Return a share with one decimal and a point, as the width of a bar needs it."""
    return f"{share * PERCENT:.1f}"
