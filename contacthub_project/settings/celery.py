"""Valkey or Redis, Celery and its periodic tasks."""

from __future__ import annotations

from urllib.parse import quote

from celery.schedules import crontab
from kombu import Queue

from contacthub_project.runtime.embedded import valkey_socket

from .environment import DATA, env

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
# A worker without -Q takes tasks of both. One with `-Q deliveries` keeps webhooks from waiting
# behind bulk jobs, exports and segments.
CELERY_TASK_QUEUES = (
    Queue("celery", routing_key="celery"),
    Queue("deliveries", routing_key="deliveries"),
)
CELERY_TASK_ROUTES = {"customers.tasks.deliver": {"queue": "deliveries"}}
CELERY_BEAT_SCHEDULER = "contacthub_project.runtime.schedule:Scheduler"
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
    "delete inactive customers": {
        "task": "events.tasks.delete_inactive_customers",
        "schedule": crontab(hour=2, minute=45),
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
    "sample what waits": {
        "task": "analytics.tasks.sample_operations",
        "schedule": 300.0,
    },
    "work on bulk jobs": {
        "task": "bulkjobs.tasks.process",
        "schedule": 15.0,
    },
    "write exports": {
        "task": "bulkjobs.tasks.export",
        "schedule": 15.0,
    },
    "remove old bulk jobs": {
        "task": "bulkjobs.tasks.remove_old",
        "schedule": 3600.0,
    },
    "remove stray uploads": {
        "task": "bulkjobs.tasks.remove_stray_files",
        "schedule": 3600.0,
    },
    "tell webhooks of changes": {
        "task": "customers.tasks.deliver",
        "schedule": 5.0,
    },
    "remove old attempts of webhooks": {
        "task": "customers.tasks.remove_old_attempts",
        "schedule": 3600.0,
    },
    "remove old refusals": {
        "task": "customers.tasks.remove_old_refusals",
        "schedule": 3600.0,
    },
    "keep the members of segments": {
        "task": "segments.tasks.refresh",
        "schedule": 2.0,
    },
    "prove the members of segments": {
        "task": "segments.tasks.verify",
        "schedule": crontab(hour=4, minute=10),
    },
    "remove old changes of segments": {
        "task": "segments.tasks.remove_old_changes",
        "schedule": 3600.0,
    },
    "trim the change feed": {
        "task": "customers.tasks.trim_feeds",
        "schedule": 3600.0,
    },
    "erase deleted customers": {
        "task": "customers.tasks.erase_deleted",
        "schedule": 3600.0,
    },
    "remove old history of customers": {
        "task": "customers.tasks.remove_old_history",
        "schedule": 3600.0,
    },
    "find duplicates": {
        "task": "customers.tasks.find_duplicates",
        "schedule": 15.0,
    },
    "remove old journals of merges": {
        "task": "customers.tasks.remove_old_merge_journals",
        "schedule": 3600.0,
    },
    "clear old idempotency keys": {
        "task": "configuration.tasks.clear_old_keys",
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
    "remove old entries of the audit log": {
        "task": "configuration.tasks.remove_old_audit_entries",
        "schedule": 3600.0,
    },
    "remove what was deleted": {
        "task": "configuration.tasks.remove_deleted",
        "schedule": 60.0,
    },
}
