from django.apps import AppConfig

from contacthub_project import data_holders


class BulkjobsConfig(AppConfig):
    name = "bulkjobs"

    def ready(self) -> None:
        from bulkjobs.data_holder import BulkJobDataHolder
        from bulkjobs.follower import BulkJobFollower
        from customers import followers

        data_holders.register(BulkJobDataHolder())
        followers.register(BulkJobFollower())
