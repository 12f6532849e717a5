from django.apps import AppConfig

from contacthub_project.db import tenant_data


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers.actions import configuration_changes
        from customers.actions.tenant_data import CustomerDataOwner

        configuration_changes.connect()
        tenant_data.register(CustomerDataOwner())
