"""What view sets of the configuration share."""

from __future__ import annotations

from typing import Any

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.models import Workspace
from configuration.models.user import Role
from contacthub_project.api.query import QueryParameters
from contacthub_project.api.renderers import JsonResponse
from contacthub_project.api.viewsets import expected_version


class ConfigurationViewSet(WorkspaceScopedViewSet):
    """Serves what holds for a whole workspace; the version is that of its configuration."""

    def answer(self, data: Any) -> JsonResponse:
        """`data`, with the configuration's version as it is now for an ETag."""
        return JsonResponse(data, version=self.row().configuration_version)

    def row(self) -> Workspace:
        """The workspace as the database has it now."""
        return Workspace.objects.get(id=self.workspace.id)

    @property
    def expected(self) -> int | None:
        """The version that the client changes, see `expected_version`."""
        return expected_version(self.request)

    @property
    def may_index(self) -> bool:
        """Whether the caller may say which extended properties are indexed."""
        return Role.CLAB_OPERATOR in self.caller.roles

    def resolve_references(self) -> bool:
        """Whether schemas are asked for without `$ref`; raises Invalid for no flag."""
        parameters = QueryParameters(self.request)
        resolve = parameters.flag("resolveReferences", default=False)
        parameters.raise_faults()
        return resolve
