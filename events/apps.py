from django.apps import AppConfig

from contacthub_project import data_holders


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from customers import feed, followers, search
        from customers.models import ChangeEntity
        from events.data_holder import EventDataHolder
        from events.deeds import EventDeeds
        from events.entities import read_events
        from events.follower import EventFollower

        data_holders.register(EventDataHolder())
        followers.register(EventFollower())
        search.register_deeds(EventDeeds())
        feed.register_reader(ChangeEntity.EVENT.value, read_events)
