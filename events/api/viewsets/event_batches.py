"""Batches of events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema

from configuration.actions.idempotency import RecordedAnswer
from contacthub_project.api.exception_handler import status_of
from contacthub_project.api.renderers import JsonResponse, json_bytes
from contacthub_project.core.array_forms import as_list
from contacthub_project.core.errors import ContacthubError, Invalid
from customers.domain.refusals import RefusalOrigin
from events.actions.ingestion import GivenEvent, post_events
from events.actions.repeated_events import Accepted, Outcome
from events.api.schema import BATCH, BATCH_RESULT, MOST_EVENTS
from events.api.scoping import EventWritingViewSet

BATCH_BYTES = 16 * 1024 * 1024


class EventBatchViewSet(EventWritingViewSet):
    """Accepts lists of events."""

    @extend_schema(
        request={"application/json": BATCH},
        responses={202: BATCH_RESULT},
    )
    def create(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Store up to 1000 events; each is accepted or refused by itself, in their order."""
        events = as_list(self.body(limit=BATCH_BYTES).get("events"))
        if not isinstance(events, list) or not 0 < len(events) <= MOST_EVENTS:
            message = f"must be a list of 1 to {MOST_EVENTS} events"
            raise Invalid.at("/events", message, "maxItems")
        given = [GivenEvent(event, len(json_bytes(event))) for event in events]
        outcomes = post_events(self.workspace, given, by=self.caller)
        for event, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, ContacthubError):
                self.note_refusal(outcome, event, RefusalOrigin.BATCH)
        return JsonResponse(
            {"elements": [self.outcome_data(each) for each in outcomes]}, status=202
        )

    def entities_of(self, content: bytes) -> Iterable[UUID]:
        """The events that were taken in; those that were refused belong to nobody."""
        return [UUID(each["id"]) for each in orjson.loads(content)["elements"] if "id" in each]

    def repeated_content(self, first: RecordedAnswer) -> str:
        """The first answer, without the ids of events that have gone with their people."""
        answer = orjson.loads(first.content)
        for each in answer["elements"]:
            if "id" in each and UUID(each["id"]) not in first.entities:
                del each["id"]
        return json_bytes(answer).decode()

    def outcome_data(self, outcome: Outcome) -> dict[str, Any]:
        """Return the result of one event, in the form of responses."""
        if isinstance(outcome, Accepted):
            return {"status": 202, "id": outcome.id}
        refusal = self.refusal_for_caller(outcome)
        errors = [
            {"path": each.path, "message": each.message, "code": each.code, "data": each.data}
            for each in refusal.errors
        ]
        data = {"status": status_of(refusal), "message": refusal.message, "errors": errors}
        return data if refusal.data is None else data | {"data": refusal.data}
