#!/usr/bin/env python
"""Django's command line, with the embedded servers running while a command needs them."""

import os
import sys

# Commands that look at code only; `serve` and the tests run the servers themselves.
WITHOUT_SERVERS = {"check", "help", "serve", "spectacular", "version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
    from django.core.management import execute_from_command_line

    if len(sys.argv) < 2 or sys.argv[1] in WITHOUT_SERVERS or "--help" in sys.argv:
        execute_from_command_line(sys.argv)
        return
    from django.conf import settings

    from contacthub_project.runtime.embedded import servers

    attached = servers(
        data=settings.DATA,
        postgres=settings.USES_EMBEDDED_POSTGRES,
        valkey=settings.USES_EMBEDDED_VALKEY,
    )
    try:
        for server in attached:
            server.attach()
        execute_from_command_line(sys.argv)
    finally:
        for server in reversed(attached):
            server.detach()


if __name__ == "__main__":
    main()
