"""The REST API, its OpenAPI document and CORS."""

from __future__ import annotations

from pathlib import Path

from .environment import DATA, env

REST_FRAMEWORK = {
    # See contacthub_project.api.viewsets for the parts of DRF that are used.
    "EXCEPTION_HANDLER": "contacthub_project.api.exception_handler.exception_handler",
    "DEFAULT_AUTHENTICATION_CLASSES": ["contacthub_project.api.authentication.BearerToken"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "contacthub_project.api.autoschema.ContractSchema",
    "DATETIME_FORMAT": None,  # moments get their form from contacthub_project.api.renderers
    "UNAUTHENTICATED_USER": None,
}
# Finds the principal of a bearer token; the platform's API package imports no app.
PRINCIPAL_LOOKUP = "configuration.queries.principals.find_principal"
PRINCIPAL_CACHE_SECONDS = 3
# A version number in shared memory: invalidates caches of configuration in all processes.
SHARED_VERSION_FILE = Path(env.str("SHARED_VERSION_FILE", default=str(DATA / "shared-version")))
# The number of trusted proxies between client and server, and the headers that they set.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
PROXY_HEADERS: str = env.str(
    "PROXY_HEADERS", default="X-Forwarded", choices=["X-Forwarded", "Forwarded"]
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SHARDS = env.list("SHARDS", default=["default"])

SPECTACULAR_SETTINGS = {
    "TITLE": "Contacthub API",
    "DESCRIPTION": (
        "Collect, recognise, protect and export what you know of your customers.\n\nMoments are"
        " answered in UTC with milliseconds and end with `Z`, or with `+0000` where the request"
        " header `X-Date-Format` or the setting of a source or API client asks for it."
    ),
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
    "PREPROCESSING_HOOKS": ["contacthub_project.api.openapi_hooks.only_the_contract"],
    "POSTPROCESSING_HOOKS": [
        "contacthub_project.api.openapi_hooks.complete_document",
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
    "x-date-format",
    "x-http-method-override",
    "x-tracing-id",
]
CORS_EXPOSE_HEADERS = [
    "etag",
    "idempotent-replayed",
    "location",
    "retry-after",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "warning",
    "x-tracing-id",
]
