"""The export of a person as a page: everything of the JSON, in words, nothing as markup."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from customers.domain.readable import labelled, text_of
from customers.models import DataSubjectRequest
from tests.analytics.test_answers import post_event
from tests.customers.test_erasure import DAY, protected
from tests.factories import Hub

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


def leaves(value: Any) -> list[str]:
    """The texts of all values, by nobody's labels."""
    if isinstance(value, dict):
        return [each for child in value.values() for each in leaves(child)]
    if isinstance(value, list):
        return [each for child in value for each in leaves(child)]
    return [] if value is None or value == "" else [text_of(value)]


@given(DOCUMENTS)
def test_every_value_is_told_once(document: Any) -> None:
    reported = "".join(text for _, text in labelled(document))
    # Elements of a list are told in one line.
    separators = str.maketrans("", "", ", ")
    expected = "".join(leaves(document))
    assert reported.translate(separators) == expected.translate(separators)


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_person_gets_a_page_to_read(hub: Hub) -> None:
    name = "<script>alert(1)</script> & Söhne"
    base = {"firstName": name, "contacts": {"email": "ada@x.it", "mobilePhone": "+39 333"}}
    ada = hub.post_customer(base=base, externalId="A-1")["id"]
    hub.trusted.post(f"{hub.path}/customers/{ada}/sessions", {"value": "visit"})
    post_event(hub, ada, "searched", "WEB", DAY, keyword="red <b>shoes</b>")
    answer = hub.clients["DPO"].get(protected(hub, ada, "/export"), query={"format": "html"})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"customer-{ada}.html" in answer.headers["Content-Disposition"]
    page = Texts()
    page.feed(answer.content.decode())
    assert "script" not in page.tags
    assert "b" not in page.tags
    text = re.sub(r"\s+", " ", " ".join(page.texts))
    for reported in (
        name,
        "ada@x.it",
        "Mobile phone",
        "A-1",
        "visit",
        "red <b>shoes</b>",
        hub.workspace.name,
    ):
        assert html.unescape(reported) in text, reported
    wrong = hub.clients["DPO"].get(protected(hub, ada, "/export"), query={"format": "pdf"})
    assert wrong.status == 400
    (request,) = DataSubjectRequest.objects.filter(customer_id=ada)
    assert (request.type, request.state) == ("ACCESS", "DONE")
