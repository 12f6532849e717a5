from django.apps import AppConfig

from contacthub_project import data_holders


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import receivers
        from analytics.data_holder import CounterDataHolder
        from analytics.totals import counted_totals
        from contacthub_project import totals

        data_holders.register(CounterDataHolder())
        totals.register(counted_totals)
        receivers.connect()
