"""Sessions stored with their owner, so that people can list and end theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils.timezone import now

SIGN_IN = "sign_in"  # in the session's data: what `note_sign_in` puts there
LONGEST_USER_AGENT = 300


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def of_person(self, user_id: int) -> UserSessionQuerySet:
        """Return the sessions of a person that have not expired."""
        return self.filter(user_id=user_id, expire_date__gt=now())


class UserSessionManager(BaseSessionManager.from_queryset(UserSessionQuerySet)):  # type: ignore[misc]
    pass


class UserSession(AbstractBaseSession):
    """A session of one browser. Its key is a secret; pages use `public_id`."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sessions"
    )
    public_id = models.UUIDField(null=True)  # stays when the key changes, as with a new password
    signed_in_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=LONGEST_USER_AGENT, blank=True)

    objects = UserSessionManager()  # type: ignore[misc]

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore


class SessionStore(DatabaseSessionStore):
    """Django's database session store, with `UserSession` as its table."""

    @classmethod
    def get_model_class(cls) -> type[Any]:
        return UserSession

    def create_model_instance(self, data: Mapping[str, Any]) -> Any:
        session: Any = super().create_model_instance(data)  # type: ignore[arg-type]
        signed_in = data.get(SIGN_IN)
        if signed_in and data.get("_auth_user_id"):
            session.user_id = int(data["_auth_user_id"])
            session.public_id = UUID(signed_in["id"])
            session.signed_in_at = datetime.fromisoformat(signed_in["at"])
            session.address = signed_in["address"]
            session.user_agent = signed_in["user_agent"]
        return session
