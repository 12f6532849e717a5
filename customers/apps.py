from django.apps import AppConfig

from contacthub_project.db import tenant_data


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from contacthub_project.messaging.pubsub import publisher
        from customers.actions import configuration_changes, deliveries, quarantine
        from customers.actions.replaying import replay_customer
        from customers.actions.tenant_data import CustomerDataOwner
        from customers.domain.refusals import RefusedEntity

        quarantine.register_replayer(RefusedEntity.CUSTOMER, replay_customer)
        configuration_changes.connect()
        publisher.enqueue_after(deliveries.TASK)
        tenant_data.register(CustomerDataOwner())
