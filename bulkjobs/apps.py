from django.apps import AppConfig

from contacthub_project.db import tenant_data


class BulkjobsConfig(AppConfig):
    name = "bulkjobs"
    verbose_name = "Imports and exports"

    def ready(self) -> None:
        from bulkjobs.actions.tenant_data import BulkJobDataOwner
        from bulkjobs.observers import BulkJobObserver
        from customers import observers

        tenant_data.register(BulkJobDataOwner())
        observers.register(BulkJobObserver())
