"""The whole URL map."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from oauth2_provider.views import (
    AuthorizationView,
    RevokeTokenView,
    TokenView,
)

from contacthub_project.admin import errors, language, search, workspace
from contacthub_project.admin.sign_in import urls as sign_in
from contacthub_project.admin.sign_in.reauthentication import reauthentication_required
from contacthub_project.admin.sign_in.views import SignInView, change_password
from contacthub_project.admin.site import home
from contacthub_project.api import BASE_PATH
from contacthub_project.api.oauth2 import OwnTokensIntrospectView, json_answers
from contacthub_project.api.operations import route
from contacthub_project.api.web_tag import web_tag
from contacthub_project.runtime.health import HealthViewSet

API = BASE_PATH.lstrip("/") + "/"

# Both write inline styles; Redoc also runs a worker from a blob.
documentation = csp_update({"style-src": [UNSAFE_INLINE], "worker-src": ["blob:"]})
may_lead_to_clients = csp_update(settings.FORMS_TO_CLIENTS)

OAUTH2 = [
    path(
        "authorize/",
        may_lead_to_clients(reauthentication_required(AuthorizationView.as_view())),
        name="authorize",
    ),
    path("token/", json_answers(TokenView.as_view()), name="token"),
    path("revoke_token/", json_answers(RevokeTokenView.as_view()), name="revoke-token"),
    path("introspect/", json_answers(OwnTokensIntrospectView.as_view()), name="introspect"),
]

# Clients that accept any type get JSON, as the name says.
DOCUMENT = SpectacularAPIView.as_view(
    renderer_classes=[
        OpenApiJsonRenderer,
        OpenApiJsonRenderer2,
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
    ]
)

DOCS = SpectacularSwaggerView.as_view(
    url_name="openapi", template_name="documentation/swagger.html"
)
REDOC = SpectacularRedocView.as_view(url_name="openapi", template_name="documentation/redoc.html")

urlpatterns = [
    # The most frequent first: Django tries them in order.
    path(API, include("customers.api.urls")),
    path(API, include("events.api.urls")),
    path(API, include("bulkjobs.api.urls")),
    path(API, include("analytics.api.urls")),
    path(API, include("segments.api.urls")),
    path(API, include("configuration.api.urls")),
    path(API, include([route("/health", HealthViewSet, {"get": "retrieve"})])),
    path("oauth2/", include((OAUTH2, "oauth2_provider"))),
    path("sign-in/", include(sign_in)),
    path("openapi.json", DOCUMENT, name="openapi"),
    path("tag.js", web_tag, name="web-tag"),
    path("docs", documentation(DOCS), name="docs"),
    path("redoc", documentation(REDOC), name="redoc"),
    path("admin/login/", may_lead_to_clients(SignInView.as_view())),
    path("admin/password_change/", admin.site.admin_view(change_password)),
    path("admin/", admin.site.admin_view(home)),
    path("admin/office/", include("contacthub_project.admin.urls", namespace="office")),
    *language.urlpatterns,
    *workspace.urlpatterns,
    *search.urlpatterns,
    path("admin/", admin.site.urls),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("", RedirectView.as_view(url="/docs")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
