"""Errors of pages as pages, without a query to the database: it may be the fault."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_lazy

from contacthub_project.api import BASE_PATH

HTML, JSON = "text/html", "application/json"
PAGES = ("/admin", "/sign-in", "/docs", "/redoc", "/oauth2/authorize")
TITLES = {
    400: gettext_lazy("The request cannot be understood"),
    403: gettext_lazy("This is not open to you"),
    404: gettext_lazy("There is nothing here"),
    413: gettext_lazy("This is too large"),
    500: gettext_lazy("Something went wrong here"),
    503: gettext_lazy("This cannot be done at the moment"),
}
ADVICE = {
    404: gettext_lazy("The address may be mistyped, or what was here is gone."),
    500: gettext_lazy(
        "Nothing of what you sent has been kept. Tell whoever runs Contacthub this number."
    ),
    503: gettext_lazy("Nothing of what you sent has been kept. Try again in a moment."),
}


def wants_page(request: HttpRequest) -> bool:
    """Return whether errors of the request are to be pages: never below the API."""
    if request.path_info.startswith(BASE_PATH):
        return False
    offered = [HTML, JSON] if request.path_info.startswith(PAGES) else [JSON, HTML]
    return request.get_preferred_type(offered) == HTML


def error_page(refusal: HttpResponseBase) -> HttpResponse:
    """Return an error of the API's format as a page with the same status and headers."""
    body = orjson.loads(getattr(refusal, "content", b"") or b"{}")
    status = refusal.status_code
    context = {
        "title": TITLES.get(status, gettext("This did not work")),
        "message": body.get("message", ""),
        "advice": ADVICE.get(status, ""),
        "logref": body.get("logref", ""),
    }
    page = HttpResponse(render_to_string("error.html", context), status=status)
    for name in ("Retry-After", "Allow"):
        if name in refusal.headers:
            page.headers[name] = refusal.headers[name]
    return page
