"""The base of view sets of the configuration."""

from __future__ import annotations

from typing import Any

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.models import Workspace
from configuration.models.user import Role
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.request_headers import expected_version


class ConfigurationViewSet(WorkspaceScopedViewSet):
    """Serves the configuration of a workspace; the version is that of its configuration."""

    def answer(self, data: Any) -> JsonResponse:
        """Return a response with `data` and the current version of the configuration as ETag."""
        return JsonResponse(data, version=self.row().configuration_version)

    def row(self) -> Workspace:
        """Return the workspace's current row."""
        return Workspace.objects.get(id=self.workspace.id)

    @property
    def expected(self) -> int | None:
        """Return the version that the client changes, see `expected_version`."""
        return expected_version(self.request)

    @property
    def may_index(self) -> bool:
        """Return whether the caller may set which extended properties are indexed."""
        return Role.CLAB_OPERATOR in self.caller.roles

    def resolve_references(self) -> bool:
        """Return whether schemas are requested without `$ref`; raises Invalid for no boolean."""
        parameters = QueryParameters(self.request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        return resolve
