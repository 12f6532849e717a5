"""The back-office: theme and navigation."""

from __future__ import annotations

from urllib.parse import quote

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from contacthub_project.admin.navigation import is_current, is_visible, may_view, page_link

from .environment import BASE_DIR

Text = str | Promise


def _pages(heading: Text, *pages: tuple[Text, str, str]) -> dict[str, object]:
    """Return a part of the navigation: titles, symbols, names of pages."""
    return {
        "title": heading,
        "separator": True,
        "items": [
            _model(title, icon, name) if "." in name else _page(title, icon, name)
            for title, icon, name in pages
        ],
    }


def _page(title: Text, icon: str, name: str) -> dict[str, object]:
    """Return a link to a page of ours."""
    return {
        "title": title,
        "icon": icon,
        "link": page_link(name),
        "permission": is_visible(name),
        "active": is_current(name),
    }


def _model(title: Text, icon: str, model: str) -> dict[str, object]:
    """Return a link to the list of a model, given as `app.model`."""
    address = reverse_lazy(f"admin:{model.replace('.', '_')}_changelist")
    return {"title": title, "icon": icon, "link": address, "permission": may_view(model)}


ICON = (BASE_DIR / "contacthub_project/static/office/hub.svg").read_text()

UNFOLD = {
    "SITE_TITLE": "Contacthub",
    "SITE_HEADER": "Contacthub",
    "SITE_SUBHEADER": "contacthub_project.admin.workspace.workspace_name",
    "SITE_DROPDOWN": "contacthub_project.admin.workspace.other_workspaces",
    "SITE_SYMBOL": "hub",
    "SHOW_LANGUAGES": True,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            # Inline, so that pages with pictures of customers load no picture of ours.
            "href": "data:image/svg+xml," + quote(ICON),
        }
    ],
    # Otherwise written into each page as styles, which the Content-Security-Policy forbids: see
    # office.css.
    "COLORS": lambda request: {},
    "STYLES": [lambda request: static("office/office.css")],
    "SCRIPTS": [lambda request: static("office/office.js")],
    "ACCOUNT": {
        "navigation": [
            {
                "title": gettext_lazy("Change password"),
                "link": reverse_lazy("admin:password_change"),
            },
            {"title": gettext_lazy("Second factor"), "link": reverse_lazy("mfa_index")},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            _pages(
                gettext_lazy("Everyday"),
                (gettext_lazy("Dashboard"), "monitoring", "dashboard"),
                (gettext_lazy("Customers"), "group", "customers"),
                (gettext_lazy("Duplicates"), "join_inner", "duplicates"),
                (gettext_lazy("Segments"), "donut_small", "segments.segment"),
                (gettext_lazy("Events"), "bolt", "events"),
                (gettext_lazy("Imports"), "upload_file", "bulkjobs.bulkjob"),
                (gettext_lazy("Exports"), "download", "bulkjobs.exportjob"),
            ),
            _pages(
                gettext_lazy("Privacy"),
                (gettext_lazy("Find a person"), "person_search", "privacy"),
                (gettext_lazy("Requests"), "assignment", "customers.datasubjectrequest"),
                (gettext_lazy("Deleted people"), "restore_from_trash", "customers.deletedcustomer"),
                (gettext_lazy("Receipts"), "receipt_long", "customers.erasurereceipt"),
                (gettext_lazy("Suppressions"), "block", "customers.suppressedvalue"),
                (gettext_lazy("Consent log"), "fact_check", "customers.consentlogentry"),
            ),
            _pages(
                gettext_lazy("Settings"),
                (gettext_lazy("Workspace"), "apartment", "workspace-settings"),
                (gettext_lazy("Nodes"), "account_tree", "configuration.node"),
                (gettext_lazy("Properties"), "list_alt", "properties"),
                (gettext_lazy("Events"), "tune", "event-settings"),
                (gettext_lazy("Sources"), "key", "configuration.source"),
                (gettext_lazy("Webhooks"), "webhook", "customers.webhook"),
                (gettext_lazy("Users"), "manage_accounts", "configuration.user"),
                (gettext_lazy("Retention"), "auto_delete", "retention"),
            ),
            {
                "title": gettext_lazy("Registers"),
                "separator": True,
                "items": [
                    _model(gettext_lazy("Products"), "inventory_2", "events.product"),
                    _model(gettext_lazy("Purge runs"), "delete_sweep", "events.purgerun"),
                    _model(
                        gettext_lazy("Aggregate builds"), "construction", "customers.aggregatebuild"
                    ),
                    {
                        **_model(
                            gettext_lazy("Send user databases"),
                            "database",
                            "configuration.senduserdatabase",
                        ),
                        "permission": lambda request: request.user.has_perm("configuration"),
                    },
                ],
            },
            _pages(
                gettext_lazy("Operation"),
                (gettext_lazy("Operations"), "health_and_safety", "operations"),
                (gettext_lazy("Audit log"), "history", "configuration.staffchange"),
                (gettext_lazy("Quarantine"), "report", "customers.quarantinedrequest"),
                (gettext_lazy("Data quality"), "fact_check", "data-quality"),
                (gettext_lazy("Webhook log"), "outbox", "customers.webhookattempt"),
                (gettext_lazy("Workspaces"), "domain", "configuration.workspace"),
                (gettext_lazy("API clients"), "vpn_key", "configuration.apiclient"),
                (gettext_lazy("Sessions and tokens"), "devices", "access"),
            ),
        ],
    },
}
