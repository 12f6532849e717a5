from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "configuration"

    def ready(self) -> None:
        from configuration import observers

        observers.connect()
