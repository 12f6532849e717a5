"""Keys, transport security, cookies and headers of pages."""

from __future__ import annotations

import os
import secrets

from csp.constants import NONCE, NONE, SELF

from .api import TRUSTED_PROXIES
from .environment import DATA, env


def _secret_key() -> str:
    """Return the key of the environment, else one that is generated once into the data folder."""
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
            os.link(fresh, path)  # atomic: the first of several processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
# Encrypt secrets of other services; the first one is used for new ones (default: SECRET_KEY).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])

# Transport security: on unless switched off, as `./run` does, which serves plain HTTP on the
# loopback address.
HTTPS = env.bool("HTTPS", default=True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ENGINE = "configuration.models.user_session"  # knows whose a session is
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Of pages: no inline script, style or handler is used, except scripts with the
# response's nonce; and no eval. Pages that need more use `csp_update`.
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
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
