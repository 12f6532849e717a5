"""Whether the caller may call an operation at all."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import BasePermission

from contacthub_project.core.errors import Forbidden


class OperationPermission(BasePermission):
    """The roles that the contract names for the operation (operations.json, additions.json)."""

    def has_permission(self, request: HttpRequest, view: Any) -> bool:
        """Raises Unauthorized or Forbidden; the caller acts with what its fitting roles reach."""
        operation = view.operation
        if operation.is_public:
            return True
        if not operation.allows(view.caller.roles):
            raise Forbidden(f"The roles of the client do not allow: {operation.summary}")
        view.principal = operation.acted_in_by(view.caller)
        return True
