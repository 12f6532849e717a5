"""Counts and examples of refused data, and replays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers

from configuration.api.scoping import WorkspaceScopedViewSet
from configuration.domain.vocabulary import EVENT_TYPES
from contacthub_project.api import pagination
from contacthub_project.api.components import OPEN_OBJECT, page_component
from contacthub_project.api.exception_handler import status_of
from contacthub_project.api.fields import StrictFlag, StrictList, StrictUuid
from contacthub_project.api.parameters import choice_parameter, id_parameter, moment_parameter
from contacthub_project.api.query import QueryParameters, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.errors import Invalid, NotFound
from contacthub_project.core.principal import READ
from customers.actions.quarantine import Replayed, replay
from customers.api.filters.quarantine import QuarantineFilterSet
from customers.api.refusals_schema import (
    QUARANTINED_REQUEST,
    REFUSALS,
    REPLAYED_REQUEST,
    REPLAYED_REQUESTS,
)
from customers.domain.refusals import RefusalReason, RefusedEntity
from customers.models import QuarantinedRequest
from customers.queries.quarantine import quarantined_response
from customers.queries.refusals import MOST_SUMS, refusal_sums

PAGE = page_component("QuarantinedRequestPage", QUARANTINED_REQUEST, "quarantined requests")


@extend_schema_field(OPEN_OBJECT)
class PatchField(serializers.JSONField):
    """A JSON merge patch of an object."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("must be an object", "type")
        return data


USUAL_SPAN = timedelta(days=7)
MOST_REPLAYED = 100


class ReplayRequest(StrictSerializer):
    """The options of a replay."""

    patch = PatchField(required=False, help_text="A JSON merge patch (RFC 7396) of the body.")
    dryRun = StrictFlag(
        source="dry_run",
        required=False,
        default=False,
        help_text="Whether only to tell what would become of it.",
    )


class ReplayRequests(ReplayRequest):
    """The selection and the options of several replays."""

    ids = StrictList(
        child=StrictUuid(), min_length=1, max_length=MOST_REPLAYED, help_text="Which are."
    )


class RefusalViewSet(WorkspaceScopedViewSet):
    """Counts of refused data."""

    @extend_schema(
        parameters=[
            moment_parameter("dateFrom", "From here on; seven days ago unless given."),
            moment_parameter("dateTo", "Up to here; until now unless given."),
            choice_parameter("interval", ["HOUR", "DAY"], "What is summed up.", default="DAY"),
            id_parameter("sourceId", "What this source has sent."),
            choice_parameter("entity", [*RefusedEntity], "Customers, or events."),
            choice_parameter("type", [*EVENT_TYPES], "Events of this type."),
            choice_parameter("reason", [*RefusalReason], "What was refused for this reason."),
        ],
        responses={200: REFUSALS},
    )
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return sums by source, entity, type and reason, the latest first."""
        parameters = QueryParameters(request)
        now = datetime.now(UTC)
        start = parameters.span("dateFrom", self.workspace.zone)
        end = parameters.span("dateTo", self.workspace.zone)
        interval = parameters.choice("interval", ["HOUR", "DAY"], default="DAY")
        source = parameters.text("sourceId")
        narrowed = {
            "entity": parameters.choice("entity", [*RefusedEntity], default=None),
            "type": parameters.choice("type", [*EVENT_TYPES], default=None),
            "reason": parameters.choice("reason", [*RefusalReason], default=None),
            "source": None if source is None else id_or_unknown(source),
        }
        parameters.raise_faults()
        sums = refusal_sums(
            self.workspace.id,
            start=now - USUAL_SPAN if start is None else start.first,
            before=now if end is None else end.after,
            part=interval.lower(),
            zone=self.workspace.timezone,
            narrowed=narrowed,
        )
        elements = [
            {
                "moment": each.moment,
                "sourceId": each.source_id,
                "entity": each.entity,
                "type": each.type or None,
                "reason": each.reason,
                "count": each.number,
            }
            for each in sums
        ]
        return JsonResponse({"elements": elements, "complete": len(sums) < MOST_SUMS})


class QuarantineViewSet(WorkspaceScopedViewSet):
    """The last examples of refused data, and their replay.

    A caller of some nodes sees only examples that are known to be of those.
    """

    filterset_class = QuarantineFilterSet
    page_rules = pagination.CONFIGURATION

    @extend_schema(responses={200: PAGE})
    def list(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Return a page of examples, the latest first unless `sort` is given."""
        filters = QuarantineFilterSet(request.GET)
        page = self.requested_page(filters)
        everything = self.get_queryset()
        found = filters.filter_queryset(everything)
        return JsonResponse(
            page.of(
                [quarantined_response(each) for each in page.slice(found)],
                total=found.count(),
                unfiltered=everything.count(),
            )
        )

    @extend_schema(responses={200: QUARANTINED_REQUEST})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, quarantined_id: str
    ) -> JsonResponse:
        """Return one example."""
        return JsonResponse(quarantined_response(self.get_object(quarantined_id)))

    @extend_schema(responses={204: None})
    def destroy(self, request: HttpRequest, workspace_id: str, quarantined_id: str) -> NoContent:
        """Remove an example."""
        self.get_object(quarantined_id).delete()
        return NoContent()

    @extend_schema(request=ReplayRequest, responses={200: REPLAYED_REQUEST})
    def replay(self, request: HttpRequest, workspace_id: str, quarantined_id: str) -> JsonResponse:
        """Send a refused body again, and return the result."""
        found = self.get_object(quarantined_id)
        values = ReplayRequest.read(self.body())
        return JsonResponse(self.replayed(found.id, values))

    @extend_schema(request=ReplayRequests, responses={200: REPLAYED_REQUESTS})
    def replay_many(self, request: HttpRequest, workspace_id: str) -> JsonResponse:
        """Send several again, each by itself."""
        values = ReplayRequests.read(self.body())
        known = set(self.get_queryset().filter(id__in=values["ids"]).values_list("id", flat=True))
        unknown = [
            Invalid.at(f"/ids/{place}", "is no quarantined request", "reference").errors[0]
            for place, each in enumerate(values["ids"])
            if each not in known
        ]
        if unknown:
            raise Invalid(errors=unknown)
        return JsonResponse({"elements": [self.replayed(each, values) for each in values["ids"]]})

    def replayed(self, request_id: UUID, values: dict[str, Any]) -> dict[str, Any]:
        """Send one again; return its part of the response."""
        done = replay(
            self.workspace,
            request_id,
            readable=self.caller.nodes_with(READ),
            patch=values.get("patch"),
            dry_run=values["dry_run"],
            by=self.caller,
        )
        return visible_replay(done, dry_run=values["dry_run"])

    def get_queryset(self) -> Any:
        """Return the examples that the caller may see."""
        everything = QuarantinedRequest.objects.in_workspace(self.workspace.id)
        return everything.readable_by(self.caller)

    def get_object(self, request_id: str) -> QuarantinedRequest:
        """Return one that the caller may see; raises NotFound."""
        found: QuarantinedRequest | None = (
            self.get_queryset().filter(id=id_or_unknown(request_id)).first()
        )
        if found is None:
            raise NotFound(f"quarantined request not found {request_id}")
        return found


def visible_replay(done: Replayed, *, dry_run: bool) -> dict[str, Any]:
    refusal = done.refusal
    return {
        "id": done.request.id,
        "outcome": "ACCEPTED" if refusal is None else "REFUSED",
        "dryRun": dry_run,
        "entityId": done.entity_id,
        "replayedAt": done.request.replayed_at,
        "status": None if refusal is None else status_of(refusal),
        "message": None if refusal is None else refusal.message,
        "errors": [
            {"path": each.path, "message": each.message, "code": each.code, "data": each.data}
            for each in (refusal.errors if refusal is not None else ())
        ],
    }
