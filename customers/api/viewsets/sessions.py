"""The sessions of a customer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from contacthub_project.api.fields import StrictText
from contacthub_project.api.query import id_or_unknown
from contacthub_project.api.renderers import JsonResponse, NoContent
from contacthub_project.api.schema import elements_of
from contacthub_project.api.serializers import StrictSerializer
from contacthub_project.core.errors import NotFound
from customers.actions.sessions import add_session, drop_session
from customers.api.scoping import CustomerScopedViewSet
from customers.models import Session
from customers.models.session import LONGEST_VALUE

MOST_SESSIONS = 1000


class SessionInput(StrictSerializer):
    """A session to be linked to a customer."""

    value = StrictText(max_length=LONGEST_VALUE)


class SessionOutput(serializers.ModelSerializer):
    """A session: our id, the client's value."""

    class Meta:
        model = Session
        fields = ["id", "value"]


class SessionViewSet(CustomerScopedViewSet):
    """A customer's sessions, the latest thousand of them."""

    @extend_schema(responses={200: elements_of(SessionOutput)})
    def list(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """The customer's sessions, the latest first."""
        customer = self.readable_customer(customer_id)
        sessions = Session.objects.of_customer(self.workspace.id, customer).order_by("-id")
        return JsonResponse({"elements": [session_data(each) for each in sessions[:MOST_SESSIONS]]})

    @extend_schema(request=SessionInput, responses={201: SessionOutput})
    def create(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        """Link a session to the customer; 409 when it is another's."""
        customer = self.writable_customer(customer_id)
        value = SessionInput.read(self.body())["value"]
        session = add_session(self.workspace, customer, value=value, by=self.caller)
        return JsonResponse(session_data(session), status=201)

    @extend_schema(responses={200: SessionOutput})
    def retrieve(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> JsonResponse:
        """One session by our id."""
        customer = self.readable_customer(customer_id)
        sessions = Session.objects.of_customer(self.workspace.id, customer)
        session = sessions.filter(id=id_or_unknown(session_id)).first()
        if session is None:
            raise NotFound(f"session not found {session_id}")
        return JsonResponse(session_data(session))

    @extend_schema(responses={204: None})
    def destroy(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> HttpResponse:
        """Unlink a session from the customer."""
        customer = self.writable_customer(customer_id)
        drop_session(self.workspace.id, customer, id_or_unknown(session_id))
        return NoContent()


def session_data(session: Session) -> dict[str, Any]:
    """The session as the API shows it."""
    return {"id": session.id, "value": session.value}
