from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "configuration"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from configuration import observers
        from configuration.actions.signing_in import note_sign_in

        observers.connect()
        user_logged_in.connect(note_sign_in)
