"""A real OpenID Connect provider for tests: django-oauth-toolkit's own, beside the product's pages."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from oauth2_provider.oauth2_validators import OAuth2Validator

from contacthub_project.urls import handler400, handler403, handler404, handler500
from contacthub_project.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500"]
urlpatterns = [path("provider/", include("oauth2_provider.urls")), *product]

# What the provider says of who has signed in there.
CLAIMS: dict[str, Any] = {}


class Provider(OAuth2Validator):
    """Tells what CLAIMS hold."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        return dict(CLAIMS)
