from django.apps import AppConfig

from contacthub_project.db import tenant_data


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from customers import observers
        from customers.actions import quarantine
        from customers.domain.refusals import RefusedEntity
        from customers.models import ChangeEntity
        from customers.queries import feed, search
        from events.actions.replaying import replay_event
        from events.actions.tenant_data import EventDataOwner
        from events.observers import EventObserver
        from events.queries.behaviour_conditions import EventBehaviour
        from events.queries.documents import event_moments
        from events.queries.feed_entities import read_events

        quarantine.register_replayer(RefusedEntity.EVENT, replay_event)
        tenant_data.register(EventDataOwner())
        observers.register(EventObserver())
        search.register_behaviour(EventBehaviour())
        feed.register_reader(ChangeEntity.EVENT.value, read_events, event_moments)
