"""The parameter `force`, which confirms changes that values of customers contradict."""

from __future__ import annotations

from django.http import HttpRequest

from contacthub_project.api.parameters import flag_parameter
from contacthub_project.api.query import QueryParameters

FORCE = flag_parameter(
    "force",
    "Make the change also when values of customers contradict it; without it that is 409, with how"
    " many customers do.",
)


def forced(request: HttpRequest) -> bool:
    """Return the parameter; raises Invalid for another value than true or false."""
    parameters = QueryParameters(request)
    force = parameters.flag("force", default=False)
    parameters.raise_faults()
    return force
