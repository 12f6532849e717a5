"""Django itself: apps, middleware, templates, files, and limits on requests and jobs."""

from __future__ import annotations

from .environment import BASE_DIR, DATA, env

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Address under which clients reach the API when it is not the Host they send (with a proxy).
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
ROOT_URLCONF = "contacthub_project.urls"
ASGI_APPLICATION = "contacthub_project.asgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
# Of pages; all else is in English: see contacthub_project.admin.language.
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("it", "Italiano")]
FORMAT_MODULE_PATH = "contacthub_project.locale"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "configuration.User"

INSTALLED_APPS = [
    "contacthub_project.apps.PlatformConfig",
    "unfold",
    "unfold.contrib.filters",
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
    "allauth",
    "allauth.account",  # required by allauth.mfa; none of its pages is routed
    "allauth.mfa",
    "django_celery_beat",
    "configuration",
    "customers",
    "events",
    "bulkjobs",
    "analytics",
    "segments",
]

MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "contacthub_project.api.middleware.PageHeaders",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pages and their files, to a fifth
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "contacthub_project.admin.language.LanguageMiddleware",
    "contacthub_project.admin.time_zone.WorkspaceTimeZone",
    "contacthub_project.admin.sign_in.middleware.SecondFactorMiddleware",
    # After allauth's: exceptions reach it first.
    "contacthub_project.admin.sign_in.middleware.ReauthenticationMiddleware",
    "axes.middleware.AxesMiddleware",
]
# Of requests below /hub/v1, see contacthub_project.web.handlers.
API_MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "contacthub_project.api.middleware.Cors",
    "contacthub_project.api.middleware.ApiContract",
]

# Of requests for pages that are refused at once: without a query to the database.
REFUSAL_MIDDLEWARE = MIDDLEWARE[:4]

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
                "contacthub_project.admin.sign_in.context.sign_in",
                "contacthub_project.admin.help.page_help",
            ]
        },
    }
]

# Files.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = DATA / "uploads"
STORAGES = {
    "default": {
        "BACKEND": env.str("STORAGE", default="django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("STORAGE_OPTIONS", default={}),
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Bulk jobs: the largest file, and how long results are kept after the job has ended.
BULK_BYTES = env.int("BULK_BYTES", default=1024**3)
BULK_DAYS = env.int("BULK_DAYS", default=30)
# Local copies of files of a remote storage, on each machine that works on them.
FILE_COPIES_BYTES = env.int("FILE_COPIES_BYTES", default=2 * 1024**3)
# How long new workspaces keep the data of deleted customers.
DELETED_DAYS = env.int("DELETED_DAYS", default=30)
AUDIT_DAYS = env.int(
    "AUDIT_DAYS", default=1095
)  # how long the audit log keeps entries; 0: for ever
# How long merges of customers can be undone.
MERGE_JOURNAL_DAYS = env.int("MERGE_JOURNAL_DAYS", default=90)
# How long new workspaces keep values of customers that were replaced; 0: not at all.
HISTORY_DAYS = env.int("HISTORY_DAYS", default=0)
EXPORT_DAYS = env.int("EXPORT_DAYS", default=7)  # how long files of exports are kept
# Uploads are written to the default storage while they are received, whatever their size.
FILE_UPLOAD_HANDLERS = ["contacthub_project.api.uploads.StorageUploadHandler"]
# Free space below which writes and uploads are refused, and the space that is
# reserved for the embedded PostgreSQL, in case other programs fill the disk.
FREE_BYTES = env.int("FREE_BYTES", default=256 * 1024**2)
DISK_RESERVE = env.int("DISK_RESERVE", default=128 * 1024**2)
FEED_DAYS = env.int("FEED_DAYS", default=35)  # how long the change feed keeps changes

# Seconds between two writes of what was refused meanwhile; 0: it is written when asked for.
REFUSALS_SECONDS = env.float("REFUSALS_SECONDS", default=1.0)

# Webhooks: how long a receiver may take, how long failed deliveries are repeated before the webhook
# is paused, and how long attempts stay in its log.
WEBHOOK_TIMEOUT = env.float("WEBHOOK_TIMEOUT", default=15.0)
WEBHOOK_RETRY_DAYS = env.float("WEBHOOK_RETRY_DAYS", default=3.0)
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", default=7)
# Hosts in private networks that webhooks may call, and whether plain HTTP is allowed.
WEBHOOK_INTERNAL_HOSTS = frozenset(
    host.lower() for host in env.list("WEBHOOK_INTERNAL_HOSTS", default=[])
)
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
