"""The permission class of operations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import BasePermission

from contacthub_project.core.errors import Forbidden


class OperationPermission(BasePermission):
    """Allows the roles that operations.json or additions.json name for the operation."""

    def has_permission(self, request: HttpRequest, view: Any) -> bool:
        """Restrict the caller to these roles; raises Unauthorized or Forbidden."""
        operation = view.operation
        if operation.is_public:
            return True
        if not operation.allows(view.caller.roles):
            raise Forbidden(
                f"The roles of the client do not allow: {operation.summary}",
                data={"roles": sorted(operation.roles)},
            )
        view.principal = operation.acted_in_by(view.caller)
        return True
