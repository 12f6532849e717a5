"""The base of view sets that write events."""

from __future__ import annotations

from contacthub_project.api.addresses import absolute_address
from contacthub_project.core.errors import Conflict, ContacthubError
from customers.api.refusals import RefusalRecording
from customers.domain.refusals import RefusedEntity


class EventWritingViewSet(RefusalRecording):
    """Records refused events, and adapts refusals to what the caller may read."""

    refused_entity = RefusedEntity.EVENT

    def refusal_for_caller(self, refusal: ContacthubError) -> ContacthubError:
        """Return a refusal; to trusted callers a conflict with the other event's address."""
        if not isinstance(refusal, Conflict) or refusal.data is None:
            return refusal
        if not self.caller.may_read_profiles:
            return Conflict("Conflict with existing event", errors=refusal.errors)
        other = refusal.data["event"]["id"]
        href = absolute_address(self.request, f"/workspaces/{self.workspace.id}/events/{other}")
        data = {"event": {"id": other, "href": href}}
        return Conflict(refusal.message, errors=refusal.errors, data=data)
