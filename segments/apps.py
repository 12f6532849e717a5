from django.apps import AppConfig

from contacthub_project.db import tenant_data


class SegmentsConfig(AppConfig):
    name = "segments"

    def ready(self) -> None:
        from contacthub_project.db import gauges
        from contacthub_project.messaging.pubsub import publisher
        from customers import observers
        from customers.models import ChangeEntity
        from customers.queries import feed, search
        from segments.actions import refreshing
        from segments.actions.tenant_data import SegmentDataOwner
        from segments.observers import SegmentObserver
        from segments.queries.feed import membership_moments, read_membership_changes
        from segments.queries.reference import SegmentQueries
        from segments.queries.waiting import changes_to_evaluate

        search.register_segments(SegmentQueries())
        observers.register(SegmentObserver())
        segment = ChangeEntity.SEGMENT.value
        feed.register_reader(segment, read_membership_changes, membership_moments)
        gauges.register("segments", changes_to_evaluate)
        tenant_data.register(SegmentDataOwner())
        publisher.enqueue_after(refreshing.TASK)
