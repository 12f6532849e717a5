"""Labels and rows of the pages of data protection officers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy

from configuration.models import Node
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.time_zone import local_time
from customers.models import RequestType

TYPES = dict(RequestType.choices)
# What tables hold, in words; others are shown by their names.
HOLDINGS = {
    "customers_customer": gettext_lazy("Profile"),
    "customers_session": gettext_lazy("Sessions"),
    "customers_deletedsession": gettext_lazy("Sessions, hidden"),
    "customers_consentlogentry": gettext_lazy("Lines of the consent log that quote something"),
    "customers_aggregatemember": gettext_lazy("Memberships in aggregate nodes"),
    "customers_datasubjectrequest": gettext_lazy("Requests with text"),
    "events_event": gettext_lazy("Events"),
    "events_deletedevent": gettext_lazy("Events, hidden"),
    "events_mergedevent": gettext_lazy("Events moved by merges"),
    "customers_aggregatepin": gettext_lazy("Values pinned by hand"),
    "customers_blockingkey": gettext_lazy("Keys by which duplicates are found"),
    "customers_duplicatepair": gettext_lazy("Possible duplicates"),
    "customers_formeridentity": gettext_lazy("Former identities"),
    "customers_mergedcustomer": gettext_lazy("Customers merged into this one"),
    "customers_matchingkey": gettext_lazy("Keys by which nodes recognise the person"),
    "customers_newkey": gettext_lazy("Keys of a node that is reorganised"),
    "customers_quarantinedrequest": gettext_lazy("Refused data in the quarantine"),
    "customers_recordmerge": gettext_lazy("Journals of merges"),
    "customers_savedsearch": gettext_lazy("Saved searches that quote the person"),
    "customers_valuechange": gettext_lazy("Former values"),
    "customers_webhook": gettext_lazy("Webhooks that name the person"),
    "customers_webhookattempt": gettext_lazy("Answers of webhooks that quote the person"),
    "segments_dueevaluation": gettext_lazy("Moments at which segments change"),
    "segments_listedcustomer": gettext_lazy("Places on lists"),
    "segments_member": gettext_lazy("Segments"),
    "segments_membershipchange": gettext_lazy("Comings and goings in segments"),
    "segments_segment": gettext_lazy("Segments that name the person"),
    "configuration_idempotencykey": gettext_lazy("Records of repeated requests"),
    "bulkjobs_result": gettext_lazy("Results of bulk jobs"),
    "bulkjobs_bulkjob": gettext_lazy("Messages of bulk jobs"),
    "configuration_staffchange": gettext_lazy("Entries of the audit log with documents or reasons"),
    "exports": gettext_lazy("Files of exports"),
    "uploads": gettext_lazy("Uploaded files under way"),
}
REASONS = {
    "ASKED_FOR": gettext_lazy("the one you look at"),
    "SAME_PERSON": gettext_lazy("the same person by a matching policy"),
    "MEMBER": gettext_lazy("a member of the same aggregate customer"),
}


class NodeNames(dict[str, str]):
    """The names of a workspace's nodes by id; the id itself for a removed node."""

    def __missing__(self, node_id: str) -> str:
        return node_id


def node_names(office: WorkspaceContext) -> NodeNames:
    """Return the names of all nodes: privacy officers reach them without grants."""
    nodes = Node.objects.in_workspace(office.workspace_id).values_list("id", "name")
    return NodeNames({str(node_id): name for node_id, name in nodes})


def labelled_counts(held: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return labels and counts of the tables and files that hold data."""
    return [
        (HOLDINGS.get(name, name), count)
        for counts in (held["tables"], held["files"])
        for name, count in counts.items()
    ]


def request_row(office: WorkspaceContext, request: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a request of the register."""
    today = datetime.now(office.zone).date().isoformat()
    is_open = request["state"] == "OPEN"
    return request | {
        "label": TYPES[request["type"]],
        "is_late": is_open and request["dueOn"] < today,
        "closed": local_time(request["closedAt"], office.zone),
    }
