"""Pages and their files are sent compressed to browsers that take it."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.back_office.office import Staff
from tests.factories import Hub


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


@pytest.mark.parametrize("address", ["dashboard", "/static/unfold/css/styles.css"])
def test_pages_and_their_files_are_compressed(hub: Hub, address: str) -> None:
    staff = Staff(hub, "ADMIN")
    address = address if address.startswith("/") else staff.url(address)
    plain = content(staff.client.get(address, HTTP_HOST="localhost"))
    answer = staff.client.get(address, HTTP_HOST="localhost", HTTP_ACCEPT_ENCODING="gzip")
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    packed = content(answer)
    assert len(packed) < len(plain) / 3
    whole = gzip.decompress(packed)
    assert len(whole) == len(plain)
    assert whole[:100] == plain[:100]


def test_answers_of_the_api_are_as_they_were(hub: Hub) -> None:
    for _ in range(5):
        hub.post_customer()
    query = {"nodeId": str(hub.node.id)}
    answer = hub.trusted.get(f"{hub.path}/customers", query=query, Accept_Encoding="gzip")
    assert answer.status == 200
    assert "Content-Encoding" not in answer.headers
