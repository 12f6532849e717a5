from __future__ import annotations

from typing import Any
from uuid import UUID

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
from customers.api.views import CustomerScopedView
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


class SessionsView(CustomerScopedView):
    """A customer's sessions, the latest thousand of them."""

    @extend_schema(responses={200: elements_of(SessionOutput)})
    def get(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        customer = self.readable_customer(customer_id)
        sessions = Session.objects.of_customer(self.workspace.id, customer).order_by("-id")
        return JsonResponse({"elements": [_shown(each) for each in sessions[:MOST_SESSIONS]]})

    @extend_schema(request=SessionInput, responses={201: SessionOutput})
    def post(self, request: HttpRequest, workspace_id: str, customer_id: str) -> JsonResponse:
        customer = self.writable_customer(customer_id)
        value = SessionInput.read(self.body())["value"]
        session = add_session(self.workspace, customer, value=value, by=self.caller)
        return JsonResponse(_shown(session), status=201)


class SessionView(CustomerScopedView):
    @extend_schema(responses={200: SessionOutput})
    def get(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> JsonResponse:
        return JsonResponse(_shown(self.session(self.readable_customer(customer_id), session_id)))

    @extend_schema(responses={204: None})
    def delete(
        self, request: HttpRequest, workspace_id: str, customer_id: str, session_id: str
    ) -> HttpResponse:
        customer = self.writable_customer(customer_id)
        drop_session(self.workspace.id, customer, id_or_unknown(session_id))
        return NoContent()

    def session(self, customer_id: UUID, session_id: str) -> Session:
        sessions = Session.objects.of_customer(self.workspace.id, customer_id)
        found = sessions.filter(id=id_or_unknown(session_id)).first()
        if found is None:
            raise NotFound(f"session not found {session_id}")
        return found


def _shown(session: Session) -> dict[str, Any]:
    return {"id": session.id, "value": session.value}
