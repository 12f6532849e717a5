"""End one session, token or client of a person. The caller checks permissions."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from oauth2_provider.models import get_application_model

from configuration.models import User, UserSession
from configuration.queries.access import access_tokens, refresh_tokens


@dataclass(frozen=True, slots=True)
class Ended:
    """What was ended, for the audit log: its kind and a name, no secret."""

    kind: str
    name: str


def end_session(person: User, public_id: UUID) -> Ended | None:
    """End a session; return None when the person has no such session."""
    session = UserSession.objects.of_person(person.id).filter(public_id=public_id).first()
    if session is None:
        return None
    session.delete()
    return Ended("Session ended", f"{person.username} {session.address or ''}".strip())


def end_access_token(person: User, token_id: int) -> Ended | None:
    """Delete an access token; its refresh token stays valid. None when there is none."""
    token = access_tokens(person).filter(id=token_id).first()
    if token is None:
        return None
    token.delete()
    return Ended("Access token ended", f"{person.username} {token.application or ''}".strip())


@transaction.atomic
def end_refresh_token(person: User, token_id: int) -> Ended | None:
    """Revoke a refresh token and its access token; None when there is none."""
    token = refresh_tokens(person).filter(id=token_id).first()
    if token is None:
        return None
    if token.access_token is not None:
        token.access_token.delete()
    token.delete()
    return Ended("Refresh token ended", f"{person.username} {token.application or ''}".strip())


def delete_client(person: User, client_id: int) -> Ended | None:
    """Delete an API client with all its tokens; None when there is none."""
    client = get_application_model().objects.filter(user=person, id=client_id).first()
    if client is None:
        return None
    client.delete()
    return Ended("API client deleted", client.client_id)
