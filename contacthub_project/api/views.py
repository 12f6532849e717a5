"""The names of `contacthub_project.api.viewsets`, for views that are not view sets yet."""

from contacthub_project.api.viewsets import (
    ContactHubViewSet,
    absolute_address,
    expected_version,
    is_unchanged,
)

__all__ = ["ContactHubViewSet", "absolute_address", "expected_version", "is_unchanged"]
