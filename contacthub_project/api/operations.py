"""The operations of the contract, and the roles that may call each.

`operations.json` is the published contract, `additions.json` adds our own operations. Roles are
listed only there: URLs are declared by path template, and permissions read the roles of the
operation.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLPattern, path

from contacthub_project.core.principal import Principal
from contacthub_project.core.work_class import WorkClass

PUBLIC = "public"
ANY_ROLE = "any"
CLASSES_BY_TAG = {
    "Analytics": WorkClass.STATS,
    "Health": WorkClass.HEALTH,
    "Customers": None,
    "Segments": None,
    "Events": None,
    "Consents": None,
    "Updates": None,
    "Data-protection": None,
    "Bulk-jobs": None,
}  # None: depends on the method; other tags are configuration
EXPORTS = frozenset(
    {
        "export_node", "export_customer", "export_consent_logs", "get_bulk_job_results",
        "get_export_file", "export_segment",
    }
)  # fmt: skip
# Operations on personal data that the audit log tells of, when a person calls them.
NOTED = frozenset(
    {
        "export_node", "export_customer", "export_consent_logs", "get_bulk_job_results",
        "get_export_file", "forget_customer", "get_held_customer", "look_up_customers",
        "restrict_customer", "list_deleted_customers", "export_segment",
    }
)  # fmt: skip
UPLOADS = frozenset({"create_bulk_job"})
SEARCHES = frozenset({"preview_segment", "get_data_quality"})
LARGEST_BODY = 1024 * 1024
LARGEST_BODIES = {"create_events": 16 * 1024 * 1024}


@dataclass(frozen=True)
class Operation:
    """An operation of the contract; `path` is a template such as `/workspaces/{workspaceId}`.

    `id` is the OpenAPI operationId, by which generated clients name it.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    roles: frozenset[str]
    is_addition: bool = False

    @property
    def is_public(self) -> bool:
        """Whether it needs no token."""
        return PUBLIC in self.roles

    @functools.cached_property
    def work_class(self) -> WorkClass:
        """The class of work whose slots it takes."""
        if self.id in EXPORTS:
            return WorkClass.EXPORT
        if self.id in UPLOADS:
            return WorkClass.UPLOAD
        if self.id in SEARCHES:
            return WorkClass.SEARCH
        by_tag = CLASSES_BY_TAG.get(self.tag, WorkClass.CONFIGURATION)
        if by_tag is not None:
            return by_tag
        if self.method != "GET":
            return WorkClass.WRITE
        return WorkClass.READ if self.path.endswith("}") else WorkClass.SEARCH

    @property
    def largest_body(self) -> int:
        """The greatest size of a body in bytes; views may allow less, and uploads more."""
        return LARGEST_BODIES.get(self.id, LARGEST_BODY)

    @property
    def is_noted(self) -> bool:
        """Whether the audit log records its calls by people, and whose data they access."""
        return self.id in NOTED

    @property
    def takes_upload(self) -> bool:
        """Whether its body is a form with a file, which is read while it is received."""
        return self.id in UPLOADS

    def allows(self, roles: frozenset[str]) -> bool:
        """Return whether a caller with these roles may call it."""
        return ANY_ROLE in self.roles or not self.roles.isdisjoint(roles)

    def acted_in_by(self, principal: Principal) -> Principal:
        """Return the principal restricted to the roles that the operation names."""
        return principal if ANY_ROLE in self.roles else principal.acting_as(self.roles)


@functools.cache
def contract() -> Mapping[str, Mapping[str, Operation]]:
    """Return all operations by path template and method."""
    operations: dict[str, dict[str, Operation]] = {}
    for entry in _entries():
        operation = Operation(
            id=entry["operationId"],
            method=entry["method"],
            path=entry["path"],
            tag=entry["tag"],
            summary=entry["summary"],
            roles=frozenset(entry["roles"]),
            is_addition=entry["is_addition"],
        )
        operations.setdefault(operation.path, {})[operation.method] = operation
    return operations


def _entries() -> Iterator[dict[str, Any]]:
    for name in ("operations.json", "additions.json"):
        document = json.loads((Path(__file__).parent / name).read_text())
        for entry in document["operations"]:
            yield {**entry, "is_addition": name == "additions.json"}


def route(template: str, viewset: Any, actions: Mapping[str, str] | None = None) -> URLPattern:
    """Return a URL for a path template of the contract, its methods mapped to actions.

        route("/workspaces/{workspaceId}/nodes", NodeViewSet, {"get": "list", "post": "create"})

    `actions` is what DRF's `as_view` takes. The view set gets its operations, so that it can
    neither serve a method that the contract does not have nor one with other roles. Parameters are
    passed to the action in snake case. Without `actions` each method of the contract is served by
    the view's function of its name, if it has one.

    Raises KeyError for a template or a method that the contract does not have.
    """
    operations = contract()[template]
    if actions is None:
        names = [method.lower() for method in operations]
        actions = {name: name for name in names if hasattr(viewset, name)}
    served = {method.upper(): operations[method.upper()] for method in actions}
    pattern = re.sub(r"\{(\w+)\}", lambda match: f"<str:{snake_case(match[1])}>", template)
    view = viewset.as_view(dict(actions), operations=served)  # DRF adds HEAD to its mapping
    url: URLPattern = path(pattern.lstrip("/"), view, name=template)
    return url


def snake_case(name: str) -> str:
    """Return `groupPk` as `group_pk`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
