from django.apps import AppConfig

from contacthub_project.db import tenant_data


class BulkjobsConfig(AppConfig):
    name = "bulkjobs"
    verbose_name = "Imports and exports"

    def ready(self) -> None:
        from bulkjobs.actions.tenant_data import BulkJobDataOwner
        from bulkjobs.observers import BulkJobObserver
        from bulkjobs.queries.waiting import jobs_to_do
        from contacthub_project.db import gauges
        from customers import observers

        gauges.register("jobs", jobs_to_do)
        tenant_data.register(BulkJobDataOwner())
        observers.register(BulkJobObserver())
