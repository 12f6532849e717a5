"""The parameter that makes a change though values of customers contradict it."""

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
    """Whether the change is to be made all the same; raises Invalid for another value."""
    parameters = QueryParameters(request)
    force = parameters.flag("force", default=False)
    parameters.raise_faults()
    return force
