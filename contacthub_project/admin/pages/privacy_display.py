"""Labels and rows of the pages of data protection officers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from configuration.models import Node
from contacthub_project.admin.context import WorkspaceContext
from contacthub_project.admin.time_zone import local_time

TYPES = {
    "ACCESS": "Access (article 15)",
    "RECTIFICATION": "Rectification (16)",
    "ERASURE": "Erasure (17)",
    "RESTRICTION": "Restriction (18)",
    "PORTABILITY": "Portability (20)",
    "OBJECTION": "Objection (21)",
    "RETURN": "Has come back",
}
# What tables hold, in words; others are shown by their names.
HOLDINGS = {
    "customers_customer": "Profile",
    "customers_session": "Sessions",
    "customers_deletedsession": "Sessions, hidden",
    "customers_consentlogentry": "Lines of the consent log that quote something",
    "customers_aggregatemember": "Memberships in aggregate nodes",
    "customers_datasubjectrequest": "Requests with text",
    "events_event": "Events",
    "events_deletedevent": "Events, hidden",
    "events_mergedevent": "Events moved by merges",
    "customers_aggregatepin": "Values pinned by hand",
    "customers_blockingkey": "Keys by which duplicates are found",
    "customers_duplicatepair": "Possible duplicates",
    "customers_formeridentity": "Former identities",
    "customers_mergedcustomer": "Customers merged into this one",
    "customers_matchingkey": "Keys by which nodes recognise the person",
    "customers_newkey": "Keys of a node that is reorganised",
    "customers_quarantinedrequest": "Refused data in the quarantine",
    "customers_recordmerge": "Journals of merges",
    "customers_savedsearch": "Saved searches that quote the person",
    "customers_valuechange": "Former values",
    "customers_webhook": "Webhooks that name the person",
    "customers_webhookattempt": "Answers of webhooks that quote the person",
    "segments_dueevaluation": "Moments at which segments change",
    "segments_listedcustomer": "Places on lists",
    "segments_member": "Segments",
    "segments_membershipchange": "Comings and goings in segments",
    "segments_segment": "Segments that name the person",
    "configuration_idempotencykey": "Records of repeated requests",
    "bulkjobs_result": "Results of bulk jobs",
    "bulkjobs_bulkjob": "Messages of bulk jobs",
    "configuration_staffchange": "Entries of the audit log with documents or reasons",
    "exports": "Files of exports",
    "uploads": "Uploaded files under way",
}
REASONS = {
    "ASKED_FOR": "the one you look at",
    "SAME_PERSON": "the same person by a matching policy",
    "MEMBER": "a member of the same aggregate customer",
}


class NodeNames(dict[str, str]):
    """The names of a workspace's nodes by id; the id itself for a removed node."""

    def __missing__(self, node_id: str) -> str:
        return node_id


def node_names(office: WorkspaceContext) -> NodeNames:
    """Return the names of all nodes: privacy officers reach them without grants."""
    nodes = Node.objects.in_workspace(office.workspace_id).values_list("id", "name")
    return NodeNames({str(node_id): name for node_id, name in nodes})


def labelled_counts(held: dict[str, Any]) -> list[tuple[str, int]]:
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
