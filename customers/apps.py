from django.apps import AppConfig

from contacthub_project.db import tenant_data


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from contacthub_project.db import gauges
        from contacthub_project.messaging.pubsub import publisher
        from customers.actions import configuration_changes, deliveries, quarantine
        from customers.actions.replaying import replay_customer
        from customers.actions.tenant_data import CustomerDataOwner
        from customers.domain.refusals import RefusedEntity
        from customers.queries import waiting

        quarantine.register_replayer(RefusedEntity.CUSTOMER, replay_customer)
        configuration_changes.connect()
        gauges.register("merging", waiting.pending_merges)
        gauges.register("feed", waiting.changes_without_offset)
        gauges.register("deliveries", waiting.changes_to_deliver)
        publisher.enqueue_after(deliveries.TASK)
        tenant_data.register(CustomerDataOwner())
