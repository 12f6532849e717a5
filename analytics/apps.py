from django.apps import AppConfig

from contacthub_project.db import tenant_data


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import observers
        from analytics.actions.tenant_data import CounterDataOwner
        from analytics.queries.operations import deltas_to_fold
        from analytics.queries.totals import counted_entities
        from contacthub_project.db import counters, gauges

        tenant_data.register(CounterDataOwner())
        counters.register(counted_entities)
        gauges.register("counting", deltas_to_fold)
        observers.connect()
