"""Keys, sign-in, OAuth 2.0 and transport security."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta

from csp.constants import NONCE, NONE, SELF

from .api import TRUSTED_PROXIES
from .environment import DATA, env


def _secret_key() -> str:
    """The key from the environment, else one made once and kept in the data folder."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        return given
    DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = DATA / "secret-key"
    fresh = path.with_name(f"secret-key.{os.getpid()}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64))
        try:
            os.link(fresh, path)  # the first of several processes wins, whole
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
# Encrypt secrets of other services; the first one is used for new ones (default: SECRET_KEY).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])

# Sign-in and OAuth 2.0.
HTTPS = env.bool("HTTPS", default=True)
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "contacthub_project.api.oauth2.TokenValidator",
    "SCOPES": {"hub": "Everything your roles allow"},
    "DEFAULT_SCOPES": ["hub"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.int("ACCESS_TOKEN_SECONDS", default=3600),
    "REFRESH_TOKEN_EXPIRE_SECONDS": env.int("REFRESH_TOKEN_SECONDS", default=30 * 86400),
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    # Plain HTTP only where nothing else is spoken: on a developer's machine.
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
    raise ValueError("OPENID_CONNECT_ISSUER begins with https://")
OPENID_CONNECT_CLIENT_ID = env.str("OPENID_CONNECT_CLIENT_ID", default="")
OPENID_CONNECT_CLIENT_SECRET = env.str("OPENID_CONNECT_CLIENT_SECRET", default="")
OPENID_CONNECT_NAME = env.str("OPENID_CONNECT_NAME", default="OpenID Connect")
OIDC_RP_SIGN_ALGO = env.str("OPENID_CONNECT_ALGORITHM", default="RS256")
OIDC_RP_SCOPES = "openid email"
OIDC_USE_PKCE = True
OIDC_CREATE_USER = False
OIDC_TIMEOUT = 5
# Who guesses passwords has to wait. Attempts are counted in the database, for all processes alike.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_PAUSE_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "configuration.actions.signing_in.SignInAttempts"
AXES_CLIENT_IP_CALLABLE = "contacthub_project.api.authentication.sign_in_address"
# One address may be wrong so often, whatever names it tries.
SIGN_IN_ATTEMPTS_PER_ADDRESS = env.int("SIGN_IN_ATTEMPTS_PER_ADDRESS", default=50)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who waits is not counted again
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
# Second factors, by allauth.mfa. Guesses, and codes that are used up, are remembered in the
# database, for all processes alike.
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
# How old the last proof of who somebody is may be, in seconds, for what is sensitive.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * env.int("REAUTHENTICATION_MINUTES", default=60)
ACCOUNT_ADAPTER = "contacthub_project.admin.sign_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # asked by its checks; nobody signs up
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "contacthub_project.admin.sign_in.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Contacthub"
MFA_TOTP_TOLERANCE = 1  # steps of half a minute that a clock may be wrong
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

# Transport: on unless switched off, as `./run` does because it serves plain HTTP on the loopback
# address.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ENGINE = "configuration.models.user_session"  # knows whose a session is
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Of pages: no script, style or handler that stands in a page is used, but for scripts with the
# nonce of the answer; and no eval. Pages that need something else say so (`csp_update`).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# Browsers apply form-action to redirects too: who signs in or agrees may be sent back to a client.
FORMS_TO_CLIENTS = {
    "form-action": [f"{each}:" for each in OAUTH2_PROVIDER["ALLOWED_REDIRECT_URI_SCHEMES"]]  # type: ignore[attr-defined]
}
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
