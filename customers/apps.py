from django.apps import AppConfig

from contacthub_project import data_holders


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers.data_holder import CustomerDataHolder

        data_holders.register(CustomerDataHolder())
