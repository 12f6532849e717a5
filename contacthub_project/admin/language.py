"""Pages are in the language of the person: the chosen one, else the browser's."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import i18n
from django.views.decorators.http import require_POST

from configuration.models import User

# The API, its errors and its documentation are in English.
PAGES = ("/admin", "/sign-in", "/oauth2/authorize")


class LanguageMiddleware:
    """Activates the language of the person for pages of the back-office and of signing in.

    Django's `LocaleMiddleware` knows neither the choice that is stored with the person nor paths
    that it is not for, and leaves the language active in the thread.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PAGES):
            return self.get_response(request)
        language = language_of(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


def language_of(request: HttpRequest) -> str:
    """Return the person's choice, else that of the cookie, else the best of `Accept-Language`."""
    user = request.user
    if isinstance(user, User) and translation.check_for_language(user.lang):
        return user.lang
    return translation.get_language_from_request(request)


@require_POST
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Choose the language of the pages; stored with the person, before signing in as a cookie."""
    chosen = request.POST.get("language", "")
    response: HttpResponseBase = i18n.set_language(request)
    if isinstance(request.user, User) and translation.check_for_language(chosen):
        User.objects.filter(pk=request.user.pk).update(lang=chosen)
    return response


urlpatterns = [path("admin/language/", set_language, name="set_language")]
