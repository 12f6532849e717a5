"""All settings, each from the environment; without any, the embedded servers are used.

docs/settings.md lists the variables. Nothing here starts a server or opens a connection.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from celery.schedules import crontab
from django.templatetags.static import static
from django.urls import reverse_lazy

from contacthub_project.admin.navigation import is_visible, page_link
from contacthub_project.runtime.embedded import postgres, socket_folder, valkey_socket
from contacthub_project.runtime.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA = Path(env.str("CONTACTHUB_DATA", default=str(BASE_DIR / ".data"))).resolve()


def _secret_key() -> str:
    """The key from the environment, else one made once and kept in the data folder."""
    given = env.str("SECRET_KEY", default="")
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


# --- core -----------------------------------------------------------------------------------------
SECRET_KEY = _secret_key()
# Encrypt secrets of other services; the first one is used for new ones (default: SECRET_KEY).
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Address under which clients reach the API when that is not the Host they send (a proxy, say).
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
ROOT_URLCONF = "contacthub_project.urls"
WSGI_APPLICATION = "contacthub_project.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "configuration.User"

INSTALLED_APPS = [
    "contacthub_project.apps.PlatformConfig",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "corsheaders",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_celery_beat",
    "configuration",
    "customers",
    "events",
    "bulkjobs",
    "analytics",
]

MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
# Of requests below /hub/v1, see contacthub_project.wsgi.
API_MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "contacthub_project.api.middleware.Cors",
    "contacthub_project.api.middleware.ApiContract",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- database -------------------------------------------------------------------------------------
USES_EMBEDDED_POSTGRES = not env.str("DATABASE_URL", default="")
if USES_EMBEDDED_POSTGRES:
    _database: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(socket_folder(DATA)),
        "PORT": str(postgres.PORT),
        "NAME": postgres.DATABASE,
        "USER": postgres.USER,
    }
else:
    _database = env.db_url("DATABASE_URL")
DATABASES = {
    "default": _database
    | {
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": False,  # a query per request; a broken connection is dropped anyway
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            # Statements are planned once per connection; behind a transaction pooler set it to 0.
            "prepare_threshold": env.int("DATABASE_PREPARE_THRESHOLD", default=3) or None,
            "server_side_binding": True,
            "connect_timeout": 5,
            "options": f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT', default=30)}s"
            " -c idle_in_transaction_session_timeout=60s -c standard_conforming_strings=on",
        },
        "TEST": {"TEMPLATE": env.str("TEST_DATABASE_TEMPLATE", default="") or None},
    }
}

# --- Redis, cache, Celery -------------------------------------------------------------------------
USES_EMBEDDED_VALKEY = not env.str("REDIS_URL", default="")
if USES_EMBEDDED_VALKEY:
    _socket = quote(str(valkey_socket(DATA)))
    REDIS_URL = f"unix://{_socket}?db=0"
    CELERY_BROKER_URL = f"redis+socket://{_socket}?virtual_host=0"
else:
    REDIS_URL = CELERY_BROKER_URL = env.str("REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is run again; tasks are resumable
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "reconcile property indexes": {
        "task": "customers.tasks.reconcile_property_indexes",
        "schedule": 300.0,
    },
    "begin the retention purge": {
        "task": "events.tasks.start_purge",
        "schedule": crontab(hour=2, minute=15),
    },
    "go on with the retention purge": {
        "task": "events.tasks.purge",
        "schedule": 300.0,
    },
    "merge what is pending": {
        "task": "customers.tasks.merge_pending",
        "schedule": 30.0,
    },
    "go on building aggregate nodes": {
        "task": "configuration.tasks.build_aggregates",
        "schedule": 60.0,
    },
    "fold what is to be counted": {
        "task": "analytics.tasks.fold",
        "schedule": 5.0,
    },
    "prove the counters": {
        "task": "analytics.tasks.recount",
        "schedule": crontab(hour=3, minute=40),
    },
    "work on bulk jobs": {
        "task": "bulkjobs.tasks.process",
        "schedule": 15.0,
    },
    "remove old bulk jobs": {
        "task": "bulkjobs.tasks.remove_old",
        "schedule": 3600.0,
    },
    "trim the change feed": {
        "task": "customers.tasks.trim_feeds",
        "schedule": 3600.0,
    },
    "clear old idempotency keys": {
        "task": "events.tasks.clear_old_keys",
        "schedule": 3600.0,
    },
    "sum up dropped events": {
        "task": "events.tasks.sum_up_dropped_events",
        "schedule": 3600.0,
    },
    "clear expired tokens and sign-ins": {
        "task": "configuration.tasks.clear_expired",
        "schedule": 3600.0,
    },
    "remove what was deleted": {
        "task": "configuration.tasks.remove_deleted",
        "schedule": 60.0,
    },
}

# Requests that a web process works on at once, and how many more may wait for something to happen.
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=3)
WEB_WAITERS = env.int("WEB_WAITERS", default=3)
# Bulk jobs: the largest file, and how long results are kept after the job has ended.
BULK_BYTES = env.int("BULK_BYTES", default=1024**3)
BULK_DAYS = env.int("BULK_DAYS", default=30)
# Uploads go to disk while they come in, whatever their size.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FEED_DAYS = env.int("FEED_DAYS", default=35)  # how long the change feed keeps changes

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # For the OpenAPI document: our views answer by themselves, see contacthub_project.api.views.
    "DEFAULT_AUTHENTICATION_CLASSES": ["contacthub_project.api.authentication.BearerToken"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "contacthub_project.api.schema.ContractSchema",
    "DATETIME_FORMAT": None,  # moments get their form from contacthub_project.api.renderers
    "UNAUTHENTICATED_USER": None,
}
# Who stands behind a bearer token; the platform's API package imports no app.
PRINCIPAL_LOOKUP = "configuration.queries.principals.find_principal"
PRINCIPAL_CACHE_SECONDS = 3
# A version number in shared memory: invalidates caches of configuration in all processes.
SHARED_VERSION_FILE = Path(env.str("SHARED_VERSION_FILE", default=str(DATA / "shared-version")))
# Proxies between client and server whose X-Forwarded-For entries can be trusted.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SHARDS = env.list("SHARDS", default=["default"])

SPECTACULAR_SETTINGS = {
    "TITLE": "Contacthub API",
    "DESCRIPTION": "Collect, recognise, protect and export what you know of your customers.",
    "VERSION": "1.299.1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/hub/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVERS": [{"url": "/hub/v1"}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "OAUTH2_FLOWS": ["authorizationCode", "clientCredentials"],
    "OAUTH2_AUTHORIZATION_URL": "/oauth2/authorize/",
    "OAUTH2_TOKEN_URL": "/oauth2/token/",
    "OAUTH2_REFRESH_URL": "/oauth2/token/",
    "OAUTH2_SCOPES": {"hub": "Everything the person's roles allow"},
    "PREPROCESSING_HOOKS": ["contacthub_project.api.schema.only_the_contract"],
    "POSTPROCESSING_HOOKS": [
        "customers.api.schema.add_components",
        "contacthub_project.api.schema.complete_document",
    ],
}

CORS_ALLOW_ALL_ORIGINS = env.bool("CORS_ALLOW_ALL_ORIGINS", default=True)
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(hub/v1|oauth2/token)"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "last-event-id",
    "contactlab-clientid",
    "contactlab-tracing-id",
    "idempotency-key",
    "x-http-method-override",
    "x-tracing-id",
]
CORS_EXPOSE_HEADERS = [
    "etag",
    "location",
    "retry-after",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-tracing-id",
]

# --- OAuth2 ---------------------------------------------------------------------------------------
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
]
# Who guesses passwords has to wait. Attempts are counted in the database, for all processes alike.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_ATTEMPTS", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_PAUSE_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "contacthub_project.api.authentication.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"
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

# --- transport security ---------------------------------------------------------------------------
# On unless switched off, as `./run` does because it serves plain HTTP on the loopback address.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA / "uploads"

# --- logs and metrics -----------------------------------------------------------------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
if LOG_FORMAT not in {"console", "json"}:
    raise ValueError("LOG_FORMAT is `json` or `console`")
LOGGING_CONFIG = None
LOGGING = logging_settings(form=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
# Every request gets a line; without it only errors do.
LOG_REQUESTS = env.bool("LOG_REQUESTS", default=False)
# Metrics are served on their own address, which only this machine can reach.
METRICS_ADDRESS = env.str("METRICS_ADDRESS", default="127.0.0.1")
METRICS_FOLDER = DATA / "metrics"


def _pages(heading: str, *pages: tuple[str, str, str]) -> dict[str, object]:
    """A part of the back-office's navigation: titles, symbols, names of pages."""
    return {
        "title": heading,
        "separator": True,
        "items": [
            {"title": title, "icon": icon, "link": page_link(name), "permission": is_visible(name)}
            for title, icon, name in pages
        ],
    }


def _admin(title: str, icon: str, name: str) -> dict[str, object]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}_changelist")}


UNFOLD = {
    "SITE_TITLE": "Contacthub",
    "SITE_HEADER": "Contacthub",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("office/hub.svg"),
        }
    ],
    "STYLES": [lambda request: static("office/office.css")],
    "SCRIPTS": [lambda request: static("office/office.js")],
    "SIDEBAR": {
        "navigation": [
            _pages(
                "Everyday",
                ("Dashboard", "monitoring", "dashboard"),
                ("Customers", "group", "customers"),
                ("Events", "bolt", "events"),
                ("Bulk jobs", "upload_file", "jobs"),
            ),
            _pages(
                "Settings",
                ("Workspace", "apartment", "workspace-settings"),
                ("Nodes", "account_tree", "nodes"),
                ("Properties", "list_alt", "properties"),
                ("Events", "tune", "event-settings"),
                ("Sources", "key", "sources"),
                ("Users", "manage_accounts", "users"),
                ("Retention", "auto_delete", "retention"),
            ),
            {
                "title": "Registers",
                "separator": True,
                "items": [
                    _admin("Products", "inventory_2", "events_product"),
                    _admin("Purge runs", "delete_sweep", "events_purgerun"),
                    _admin("Aggregate builds", "construction", "customers_aggregatebuild"),
                    {
                        **_admin(
                            "Send user databases", "database", "configuration_senduserdatabase"
                        ),
                        "permission": lambda request: request.user.is_superuser,
                    },
                ],
            },
            _pages(
                "Operation",
                ("Operations", "health_and_safety", "operations"),
                ("Audit log", "history", "audit"),
                ("Workspaces", "domain", "workspaces"),
                ("API clients", "vpn_key", "clients"),
            ),
        ],
    },
}
