"""May the caller call this operation at all? The contract's table answers."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from contacthub_project.errors import Forbidden, Unauthorized


class OperationRoles(BasePermission):
    """Admits whom operations.json names for the operation at hand."""

    def has_permission(self, request: Request, view: Any) -> bool:
        operation = view.operation
        if operation is None or operation.is_public:
            return True
        if request.user is None:
            raise Unauthorized
        if not operation.allows(request.user.roles):
            raise Forbidden(f"The roles of the client do not allow: {operation.summary}")
        return True
