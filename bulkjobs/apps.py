from django.apps import AppConfig


class BulkjobsConfig(AppConfig):
    name = "bulkjobs"
