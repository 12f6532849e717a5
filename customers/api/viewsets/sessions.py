"""The sessions of a customer."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from contacthub_project.api.fields import StrictText
from contacthub_project.api.query import get_or_not_found, id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import elements_of
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.runtime.blocking import in_thread
from customers.actions.sessions import add_session, unlink_session
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Session
from customers.models.session import LONGEST_VALUE

MOST_SESSIONS = 1000


class SessionInput(StrictSerializer):
    """A session to link to a customer."""

    value = StrictText(max_length=LONGEST_VALUE)


class SessionOutput(serializers.ModelSerializer):
    """A session: our id, the client's value."""

    class Meta:
        model = Session
        fields = ["id", "value"]


class SessionViewSet(CustomerScopedViewSet):
    """A customer's sessions, the latest thousand of them."""

    @extend_schema(responses={200: elements_of(SessionOutput)})
    async def list(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Return the customer's sessions, the latest first."""
        customer = UUID((await self.areadable_row(customer_id)).id)
        sessions = Session.objects.of_customer(self.workspace.id, customer).order_by("-id")
        found = await in_thread(lambda: [session_data(each) for each in sessions[:MOST_SESSIONS]])
        return JsonResponse({"elements": found})

    @extend_schema(request=SessionInput, responses={201: SessionOutput})
    async def create(
        self, request: HttpRequest, workspace_id: str, customer_id: str
    ) -> JsonResponse:
        """Link a session to the customer; 409 when it is another's."""
        customer, _ = await self.awritable_row(customer_id)
        value = SessionInput.read(self.body())["value"]
        session = await in_thread(
            partial(add_session, self.workspace, UUID(customer.id), value=value, by=self.caller)
        )
        return JsonResponse(session_data(session), status=201)

    @extend_schema(responses={200: SessionOutput})
    async def retrieve(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> JsonResponse:
        """Return one session by our id."""
        customer = UUID((await self.areadable_row(customer_id)).id)
        sessions = Session.objects.of_customer(self.workspace.id, customer)
        found = await in_thread(partial(get_or_not_found, sessions, session_id, "session"))
        return JsonResponse(session_data(found))

    @extend_schema(responses={204: None})
    async def destroy(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> HttpResponse:
        """Unlink a session from the customer."""
        customer, _ = await self.awritable_row(customer_id)
        session = id_or_unknown(session_id)
        await in_thread(partial(unlink_session, self.workspace.id, UUID(customer.id), session))
        return NoContent()


def session_data(session: Session) -> dict[str, Any]:
    """Return the session in the form of responses."""
    return {"id": session.id, "value": session.value}
