"""What the web server runs: `contacthub_project.asgi:application`, under any ASGI server."""

from __future__ import annotations

import gc
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "contacthub_project.settings")
django.setup(set_prefix=False)

from contacthub_project.web.application import Application  # noqa: E402

application = Application()

# A thread that has much to do lets others go on after two milliseconds: a request changes threads
# a few times. After one, writes took a twentieth more; after five, they wait longer for exports.
sys.setswitchinterval(0.002)
# What is loaded by now stays for good: the collector need not look at it ever again.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
