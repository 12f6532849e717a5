"""Help of pages, and the documentation to read in the back-office."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import ResolverMatch, reverse
from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGES = Path(__file__).with_name("pages.toml")
HOME = "back-office"  # of pages without a help of their own


@dataclass(frozen=True)
class Help:
    """What a page is for, and the page of the documentation that says more."""

    text: str
    docs: str

    @property
    def address(self) -> str:
        """The address of the documentation's page."""
        return reverse("office:help", kwargs={"name": self.docs})


@functools.cache
def pages_by_name() -> dict[str, Help]:
    """Return the help of pages by name."""
    return {name: Help(**each) for name, each in tomllib.loads(PAGES.read_text()).items()}


def page_help(request: HttpRequest) -> dict[str, Any]:
    """Return the help of the request's page, as a context processor."""
    match = request.resolver_match
    if match is None or not request.path.startswith("/admin/"):
        return {}
    return {"page_help": pages_by_name().get(name_of(match)) or Help("", HOME)}


def name_of(match: ResolverMatch) -> str:
    """Return by which name a page's help is found."""
    model_admin = getattr(match.func, "model_admin", None)
    if isinstance(model_admin, ModelAdmin):
        name: str = model_admin.model._meta.label_lower
        return name
    return match.url_name or ""


def docs() -> dict[str, Path]:
    """Return the pages of the documentation, by name."""
    folder = Path(settings.BASE_DIR) / "docs"
    return {path.stem: path for path in sorted(folder.glob("*.md"))}


@dataclass(frozen=True)
class Document:
    """A page of the documentation."""

    title: str
    html: str


@functools.lru_cache(64)
def rendered(name: str) -> Document | None:
    """Return a page of the documentation as HTML; None if there is none of this name.

    HTML in the text is shown as text. Links between pages lead to these; links to other files of
    the project, which are not shown here, become their text.
    """
    path = docs().get(name)
    if path is None:
        return None
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text())
    title = next((each.content for each in tokens if each.type == "inline"), name)
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(tokens[index + 1].content))
        _rewrite_links(token.children or [])
    return Document(title, markdown.renderer.render(tokens[3:], markdown.options, {}))


def anchor(heading: str) -> str:
    """Return the id of a heading, as repositories of code make it."""
    kept = (each for each in heading.lower() if each.isalnum() or each in " -_")
    return "".join(kept).replace(" ", "-")


def _rewrite_links(tokens: list[Token]) -> None:
    """Give links of a line their addresses here; those to other files lose theirs.

    Pictures become what they say in words.
    """
    for token in tokens:
        if token.type == "image":
            token.type, token.tag = "text", ""
        if token.type != "link_open":
            continue
        target, _, place = str(token.attrGet("href")).partition("#")
        if "://" in target or not target:
            continue
        known = target.removesuffix(".md")
        if target.endswith(".md") and known in docs():
            address = reverse("office:help", kwargs={"name": known})
            token.attrSet("href", f"{address}#{place}" if place else address)
        else:
            token.attrs.pop("href")
