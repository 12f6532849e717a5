"""The base of view sets that record refused data."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase

from configuration.actions.idempotency import KeyReused
from configuration.api.scoping import WorkspaceScopedViewSet
from contacthub_project.core.errors import ContacthubError, NotFound
from customers.actions.refusal_writes import RefusedData
from customers.actions.refusals import recorder
from customers.domain.refusals import RefusalOrigin, RefusedEntity

CHANGES = frozenset({"update", "partial_update"})


class RefusalRecording(WorkspaceScopedViewSet):
    """Records refused bodies as `refused_entity`.

    Those of the action `create` are kept as examples; refused changes are only counted, as they
    cannot be sent again as new data.
    """

    refused_entity: RefusedEntity

    def handle_exception(self, exc: Exception) -> HttpResponseBase:
        """Return the error response, and record it if it refuses data."""
        response = super().handle_exception(exc)
        is_data = isinstance(exc, ContacthubError) and not isinstance(exc, KeyReused)
        if not is_data or getattr(self, "workspace", None) is None:
            return response
        if self.action == "create":
            self.note_refusal(exc, self.request.body, RefusalOrigin.REQUEST)  # type: ignore[arg-type]
        elif self.action in CHANGES and not isinstance(exc, NotFound):
            self.note_refusal(exc, None, RefusalOrigin.REQUEST)  # type: ignore[arg-type]
        return response

    def note_refusal(self, refusal: ContacthubError, body: Any, origin: RefusalOrigin) -> None:
        """Record the refusal of a body; without one it is only counted."""
        refused = RefusedData.of(
            refusal, entity=self.refused_entity, origin=origin, body=body, by=self.caller
        )
        recorder.note(self.workspace.id, refused)
