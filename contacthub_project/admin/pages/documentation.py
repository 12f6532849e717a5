"""The documentation, to be read in the back-office."""

from __future__ import annotations

from django.http import Http404
from django.http.response import HttpResponseBase

from contacthub_project.admin.context import StaffContext
from contacthub_project.admin.help import docs, rendered
from contacthub_project.admin.site import page_of_all


@page_of_all("help/<slug:name>/", "help")
def documentation(staff: StaffContext, name: str) -> HttpResponseBase:
    """Show a page of the documentation."""
    document = rendered(name)
    if document is None:
        raise Http404
    return staff.show(
        "documentation", document.title, html=document.html, names=list(docs()), name=name
    )
