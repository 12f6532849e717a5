"""The back-office: theme and navigation."""

from __future__ import annotations

from urllib.parse import quote

from django.templatetags.static import static
from django.urls import reverse_lazy

from contacthub_project.admin.navigation import is_visible, page_link

from .environment import BASE_DIR


def _pages(heading: str, *pages: tuple[str, str, str]) -> dict[str, object]:
    """A part of the back-office's navigation: titles, symbols, names of pages."""
    return {
        "title": heading,
        "separator": True,
        "items": [
            {"title": title, "icon": icon, "link": page_link(name), "permission": is_visible(name)}
            for title, icon, name in pages
        ],
    }


def _admin(title: str, icon: str, name: str) -> dict[str, object]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}_changelist")}


ICON = (BASE_DIR / "contacthub_project/static/office/hub.svg").read_text()

UNFOLD = {
    "SITE_TITLE": "Contacthub",
    "SITE_HEADER": "Contacthub",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            # In the page itself: where pictures of customers are shown, none of ours may be loaded.
            "href": "data:image/svg+xml," + quote(ICON),
        }
    ],
    # Written into each page otherwise, as styles that the Content-Security-Policy forbids: see
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
        "navigation": [
            _pages(
                "Everyday",
                ("Dashboard", "monitoring", "dashboard"),
                ("Customers", "group", "customers"),
                ("Events", "bolt", "events"),
                ("Bulk jobs", "upload_file", "jobs"),
            ),
            _pages(
                "Settings",
                ("Workspace", "apartment", "workspace-settings"),
                ("Nodes", "account_tree", "nodes"),
                ("Properties", "list_alt", "properties"),
                ("Events", "tune", "event-settings"),
                ("Sources", "key", "sources"),
                ("Users", "manage_accounts", "users"),
                ("Retention", "auto_delete", "retention"),
            ),
            {
                "title": "Registers",
                "separator": True,
                "items": [
                    _admin("Products", "inventory_2", "events_product"),
                    _admin("Purge runs", "delete_sweep", "events_purgerun"),
                    _admin("Aggregate builds", "construction", "customers_aggregatebuild"),
                    {
                        **_admin(
                            "Send user databases", "database", "configuration_senduserdatabase"
                        ),
                        "permission": lambda request: request.user.has_perm("configuration"),
                    },
                ],
            },
            _pages(
                "Operation",
                ("Operations", "health_and_safety", "operations"),
                ("Audit log", "history", "audit"),
                ("Workspaces", "domain", "workspaces"),
                ("API clients", "vpn_key", "clients"),
                ("Sessions and tokens", "devices", "access"),
            ),
        ],
    },
}
