"""The ASGI application that the web server runs: `contacthub_project.asgi:application`."""

from __future__ import annotations

import gc
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
django.setup(set_prefix=False)

from contacthub_project.api import BASE_PATH  # noqa: E402
from contacthub_project.api.routing import resolve  # noqa: E402
from contacthub_project.web.application import Application  # noqa: E402

application = Application()
# Loads all views, for which the first request would wait.
resolve(f"{BASE_PATH}/health")

# The interval after which a busy thread yields, in seconds: a request changes threads
# a few times. With 1 ms writes took 5 % longer; with 5 ms they wait longer for exports.
sys.setswitchinterval(0.002)
# Objects loaded by now are permanent: exclude them from garbage collection.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
