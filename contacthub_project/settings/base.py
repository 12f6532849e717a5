"""Django itself: apps, middleware, templates, files, and limits on requests and jobs."""

from __future__ import annotations

from .environment import BASE_DIR, DATA, env

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Address under which clients reach the API when that is not the Host they send (a proxy, say).
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
ROOT_URLCONF = "contacthub_project.urls"
ASGI_APPLICATION = "contacthub_project.asgi.application"
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
    "allauth",
    "allauth.account",  # what allauth.mfa is made on; of its pages none is routed
    "allauth.mfa",
    "django_celery_beat",
    "configuration",
    "customers",
    "events",
    "bulkjobs",
    "analytics",
]

MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "contacthub_project.api.middleware.PageHeaders",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "contacthub_project.admin.sign_in.middleware.SecondFactorDemanded",
    "contacthub_project.admin.sign_in.middleware.ProofDemanded",  # after allauth's, to come first
    "axes.middleware.AxesMiddleware",
]
# Of requests below /hub/v1, see contacthub_project.web.handlers.
API_MIDDLEWARE = [
    "contacthub_project.api.middleware.HttpContract",
    "contacthub_project.api.middleware.Cors",
    "contacthub_project.api.middleware.ApiContract",
]

# Of requests for pages that are refused before they are looked at: nothing asks the database.
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
# Copies of files in a storage elsewhere, on each machine that works on them.
FILE_COPIES_BYTES = env.int("FILE_COPIES_BYTES", default=2 * 1024**3)
EXPORT_DAYS = env.int("EXPORT_DAYS", default=7)  # how long files of exports are kept
# Uploads go to the default storage while they come in, whatever their size.
FILE_UPLOAD_HANDLERS = ["contacthub_project.api.uploads.StorageUploadHandler"]
# Room on disk that is left for what goes on when writes and uploads are refused, and what is held
# back besides for the embedded PostgreSQL, in case others fill the disk.
FREE_BYTES = env.int("FREE_BYTES", default=256 * 1024**2)
DISK_RESERVE = env.int("DISK_RESERVE", default=128 * 1024**2)
FEED_DAYS = env.int("FEED_DAYS", default=35)  # how long the change feed keeps changes
