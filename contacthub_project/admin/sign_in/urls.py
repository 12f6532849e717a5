"""URLs below /sign-in/. Of allauth's pages only those listed here exist."""

from allauth.account.views import reauthenticate
from allauth.mfa.base.views import authenticate
from allauth.mfa.base.views import reauthenticate as reauthenticate_by_code
from allauth.mfa.webauthn.views import reauthenticate_webauthn
from csp.decorators import csp_update
from django.conf import settings
from django.urls import include, path

from contacthub_project.admin.sign_in.openid_connect import (
    BeginAgainView,
    BeginView,
    CallbackView,
)
from contacthub_project.admin.sign_in.views import (
    ReauthenticateByOpenIdConnectView,
    SignInView,
    confirm_pending_form,
)

may_lead_to_clients = csp_update(settings.FORMS_TO_CLIENTS)
sign_in = may_lead_to_clients(SignInView.as_view())

urlpatterns = [
    path("", sign_in, name="account_login"),
    path("", sign_in, name="sign-in"),
    path("again/", may_lead_to_clients(reauthenticate), name="account_reauthenticate"),
    path("again/confirm/", confirm_pending_form, name="confirm-kept-form"),
    path(
        "again/openid-connect/",
        ReauthenticateByOpenIdConnectView.as_view(),
        name="reauthenticate-by-openid-connect",
    ),
    path("openid-connect/again/", BeginAgainView.as_view(), name="openid-connect-again"),
    path("openid-connect/", BeginView.as_view(), name="oidc_authentication_init"),
    path("openid-connect/back/", CallbackView.as_view(), name="oidc_authentication_callback"),
    # Before those of allauth, which would let browsers follow no redirect to a client.
    path(
        "second-factor/authenticate/",
        may_lead_to_clients(authenticate),
        name="mfa_authenticate",
    ),
    path(
        "second-factor/reauthenticate/",
        may_lead_to_clients(reauthenticate_by_code),
        name="mfa_reauthenticate",
    ),
    path(
        "second-factor/webauthn/reauthenticate/",
        may_lead_to_clients(reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path("second-factor/", include("allauth.mfa.urls")),
]
