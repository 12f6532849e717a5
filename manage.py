#!/usr/bin/env python
"""Django's command line, with the embedded servers running while a command needs them."""

import os
import sys

# Commands that look at code only; `serve` and the tests run the servers themselves.
WITHOUT_SERVERS = {"check", "help", "serve", "spectacular", "version"}
# What looks at a database that is newer than this program, or at none; `web` asks by itself.
OF_ANY_VERSION = {
    "dbshell", "diffsettings", "inspectdb", "freeze_sql", "makemigrations", "showmigrations", "web",
}  # fmt: skip
EXIT_STATUS = 2  # of a program that refuses to start


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        data = settings.DATA
    except (ImproperlyConfigured, ValueError) as fault:
        print(f"The settings are not valid: {fault}", file=sys.stderr)
        raise SystemExit(EXIT_STATUS) from None
    if len(sys.argv) < 2 or sys.argv[1] in WITHOUT_SERVERS or "--help" in sys.argv:
        execute_from_command_line(sys.argv)
        return
    from contacthub_project.runtime.embedded import servers

    attached = servers(
        data=data,
        postgres=settings.USES_EMBEDDED_POSTGRES,
        valkey=settings.USES_EMBEDDED_VALKEY,
    )
    try:
        for server in attached:
            server.attach()
        if sys.argv[1] not in OF_ANY_VERSION:
            _refuse_newer_tables()
        execute_from_command_line(sys.argv)
    finally:
        for server in reversed(attached):
            server.detach()


def _refuse_newer_tables() -> None:
    import django

    django.setup()
    from contacthub_project.runtime.schema_version import NewerTablesError, refuse_newer_tables

    try:
        refuse_newer_tables()
    except NewerTablesError as refused:
        raise SystemExit(f"{sys.argv[1]}: {refused}") from None


if __name__ == "__main__":
    main()
