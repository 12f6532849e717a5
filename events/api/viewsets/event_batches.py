"""Many events in one request."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from contacthub_project.api.exception_handler import status_of
from contacthub_project.api.renderers import JsonResponse, json_bytes
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.errors import Invalid
from events.actions.ingestion import Accepted, GivenEvent, Outcome, post_events
from events.api.schema import BATCH, BATCH_RESULT, MOST_EVENTS
from events.api.scoping import IDEMPOTENCY_KEY, EventWritingViewSet

BATCH_BYTES = 16 * 1024 * 1024


class EventBatchViewSet(EventWritingViewSet):
    """Takes in lists of events."""

    @extend_schema(
        parameters=[IDEMPOTENCY_KEY],
        request={"application/json": BATCH},
        responses={202: BATCH_RESULT},
    )
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Take in up to 1000 events; each is taken or refused by itself, in their order."""
        events = as_list(self.body(limit=BATCH_BYTES).get("events"))
        if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
            message = f"must be a list of 1 to {MOST_EVENTS} events"
            raise Invalid.at("/events", message, "maxItems")
        given = [GivenEvent(event, len(json_bytes(event))) for event in events]

        def answer() -> dict[str, Any]:
            outcomes = post_events(self.workspace, given, by=self.caller)
            return {"elements": [self.outcome_data(each) for each in outcomes]}

        return JsonResponse(self.answered_once(answer), status=202)

    def outcome_data(self, outcome: Outcome) -> dict[str, Any]:
        """What the answer says of one event."""
        if isinstance(outcome, Accepted):
            return {"status": 202, "id": outcome.id}
        refusal = self.refusal_for_caller(outcome)
        errors = [
            {"path": each.path, "message": each.message, "code": each.code, "data": each.data}
            for each in refusal.errors
        ]
        data = {"status": status_of(refusal), "message": refusal.message, "errors": errors}
        return data if refusal.data is None else data | {"data": refusal.data}
