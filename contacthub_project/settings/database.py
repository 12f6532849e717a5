"""PostgreSQL."""

from __future__ import annotations

from typing import Any

from contacthub_project.runtime.embedded import postgres, socket_folder

from .environment import DATA, env

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
            # A server whose machine is gone is noticed within half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT', default=30)}s"
            " -c idle_in_transaction_session_timeout=60s -c standard_conforming_strings=on",
        },
        "TEST": {
            "NAME": env.str("TEST_DATABASE_NAME", default="") or None,
            "TEMPLATE": env.str("TEST_DATABASE_TEMPLATE", default="") or None,
        },
    }
}
