"""OAuth 2.0, OpenID Connect, limits of failed sign-ins, second factors, passwords."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured

from .environment import env
from .security import HTTPS

# OAuth 2.0.
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "contacthub_project.api.oauth2.TokenValidator",
    "SCOPES": {"hub": "Everything your roles allow"},
    "DEFAULT_SCOPES": ["hub"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.int("ACCESS_TOKEN_SECONDS", default=3600),
    "REFRESH_TOKEN_EXPIRE_SECONDS": env.int("REFRESH_TOKEN_SECONDS", default=30 * 86400),
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    # Plain HTTP only where HTTPS is off: on a developer's machine.
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"] if HTTPS else ["https", "http"],
    # RFC 9700: among others, only a token's hash is stored.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "contacthub_project.admin.sign_in.openid_connect.OpenIdBackend",
]
# Sign-in by OpenID Connect, at one provider; by mozilla-django-oidc. The provider's endpoints are
# found out from its issuer.
OPENID_CONNECT_ISSUER = env.str("OPENID_CONNECT_ISSUER", default="")
if HTTPS and OPENID_CONNECT_ISSUER and not OPENID_CONNECT_ISSUER.startswith("https://"):
    raise ImproperlyConfigured("OPENID_CONNECT_ISSUER must begin with https://")
OPENID_CONNECT_CLIENT_ID = env.str("OPENID_CONNECT_CLIENT_ID", default="")
OPENID_CONNECT_CLIENT_SECRET = env.str("OPENID_CONNECT_CLIENT_SECRET", default="")
OPENID_CONNECT_NAME = env.str("OPENID_CONNECT_NAME", default="OpenID Connect")
OIDC_RP_SIGN_ALGO = env.str("OPENID_CONNECT_ALGORITHM", default="RS256")
OIDC_RP_SCOPES = "openid email"
OIDC_USE_PKCE = True
OIDC_CREATE_USER = False
OIDC_TIMEOUT = 5
# Failed sign-ins are throttled. They are counted in the database, for all processes.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_PAUSE_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "configuration.actions.signing_in.SignInAttempts"
AXES_CLIENT_IP_CALLABLE = "contacthub_project.api.authentication.sign_in_address"
# Failed attempts of one address, for whatever user names.
SIGN_IN_ATTEMPTS_PER_ADDRESS = env.int("SIGN_IN_ATTEMPTS_PER_ADDRESS", default=50)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # locked-out attempts are not counted
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
# Second factors, by allauth.mfa. Failed attempts and used codes are stored in the
# database, for all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "configuration_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
SECOND_FACTOR_ATTEMPTS = env.int("SECOND_FACTOR_ATTEMPTS", default=5)
ACCOUNT_RATE_LIMITS = {
    "login_failed": f"{SECOND_FACTOR_ATTEMPTS}/{AXES_COOLOFF_TIME.total_seconds():.0f}s/key"
}
# The greatest age of the last authentication, in seconds, for sensitive operations.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * env.int("REAUTHENTICATION_MINUTES", default=60)
ACCOUNT_ADAPTER = "contacthub_project.admin.sign_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # required by its checks; nobody can sign up
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "contacthub_project.admin.sign_in.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Contacthub"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds by which a clock may be wrong
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    name: f"contacthub_project.admin.sign_in.forms.{form}"
    for name, form in {
        "authenticate": "CodeForm",
        "reauthenticate": "CodeAgainForm",
        "activate_totp": "SetUpAppForm",
        "add_webauthn": "AddKeyForm",
        "edit_webauthn": "RenameKeyForm",
        "authenticate_webauthn": "KeyForm",
        "reauthenticate_webauthn": "KeyAgainForm",
    }.items()
}
LOGIN_URL = "sign-in"  # people without access to the back-office sign in too
LOGIN_REDIRECT_URL = "/admin/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Browsers apply form-action to redirects too: a sign-in may redirect to a client.
FORMS_TO_CLIENTS = {
    "form-action": [f"{each}:" for each in OAUTH2_PROVIDER["ALLOWED_REDIRECT_URI_SCHEMES"]]  # type: ignore[attr-defined]
}
