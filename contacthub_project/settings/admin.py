"""The back-office: theme and navigation."""

from __future__ import annotations

from urllib.parse import quote

from django.templatetags.static import static
from django.urls import reverse_lazy

from contacthub_project.admin.navigation import is_current, is_visible, may_view, page_link

from .environment import BASE_DIR


def _pages(heading: str, *pages: tuple[str, str, str]) -> dict[str, object]:
    """Return a part of the navigation: titles, symbols, names of pages."""
    return {
        "title": heading,
        "separator": True,
        "items": [
            _model(title, icon, name) if "." in name else _page(title, icon, name)
            for title, icon, name in pages
        ],
    }


def _page(title: str, icon: str, name: str) -> dict[str, object]:
    """Return a link to a page of ours."""
    return {
        "title": title,
        "icon": icon,
        "link": page_link(name),
        "permission": is_visible(name),
        "active": is_current(name),
    }


def _model(title: str, icon: str, model: str) -> dict[str, object]:
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
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor", "link": reverse_lazy("mfa_index")},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            _pages(
                "Everyday",
                ("Dashboard", "monitoring", "dashboard"),
                ("Customers", "group", "customers"),
                ("Duplicates", "join_inner", "duplicates"),
                ("Segments", "donut_small", "segments.segment"),
                ("Events", "bolt", "events"),
                ("Imports", "upload_file", "bulkjobs.bulkjob"),
                ("Exports", "download", "bulkjobs.exportjob"),
            ),
            _pages(
                "Privacy",
                ("Find a person", "person_search", "privacy"),
                ("Requests", "assignment", "privacy-requests"),
                ("Deleted people", "restore_from_trash", "privacy-deleted"),
                ("Receipts", "receipt_long", "privacy-receipts"),
                ("Suppressions", "block", "privacy-suppressions"),
                ("Consent log", "fact_check", "customers.consentlogentry"),
            ),
            _pages(
                "Settings",
                ("Workspace", "apartment", "workspace-settings"),
                ("Nodes", "account_tree", "configuration.node"),
                ("Properties", "list_alt", "properties"),
                ("Events", "tune", "event-settings"),
                ("Sources", "key", "configuration.source"),
                ("Webhooks", "webhook", "customers.webhook"),
                ("Users", "manage_accounts", "configuration.user"),
                ("Retention", "auto_delete", "retention"),
            ),
            {
                "title": "Registers",
                "separator": True,
                "items": [
                    _model("Products", "inventory_2", "events.product"),
                    _model("Purge runs", "delete_sweep", "events.purgerun"),
                    _model("Aggregate builds", "construction", "customers.aggregatebuild"),
                    {
                        **_model(
                            "Send user databases", "database", "configuration.senduserdatabase"
                        ),
                        "permission": lambda request: request.user.has_perm("configuration"),
                    },
                ],
            },
            _pages(
                "Operation",
                ("Operations", "health_and_safety", "operations"),
                ("Audit log", "history", "configuration.staffchange"),
                ("Quarantine", "report", "customers.quarantinedrequest"),
                ("Data quality", "fact_check", "data-quality"),
                ("Webhook log", "outbox", "customers.webhookattempt"),
                ("Workspaces", "domain", "configuration.workspace"),
                ("API clients", "vpn_key", "clients"),
                ("Sessions and tokens", "devices", "access"),
            ),
        ],
    },
}
