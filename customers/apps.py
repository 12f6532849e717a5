from django.apps import AppConfig

from contacthub_project import data_holders


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers import receivers
        from customers.data_holder import CustomerDataHolder

        receivers.connect()
        data_holders.register(CustomerDataHolder())
