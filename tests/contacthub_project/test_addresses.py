from __future__ import annotations

import ipaddress
import re
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from configuration.domain.validation import DocumentValidator
from contacthub_project.core.addresses import (
    is_email,
    is_ip_addresses,
    is_web_address,
    web_origin,
)


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com", "zoë@example.com", "zoe@münchen.de", "Δ@παράδειγμα.ελ", "用户@例子.公司", "a.b+c@x-y.co.uk",
        "o'neil@x.it", "a@localhost", "a@server.local", "a@xn--mnchen-3ya.de", '"a b"@x.it', "a@[10.0.0.1]",
        f"{'x' * 64}@x.it", f"a@{'x' * 63}.it",
    ],
)  # fmt: skip
def test_email_addresses(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "nobody", "@x.it", "a@", "a@b@c", "a..b@x.it", ".a@x.it", "a.@x.it", "a@x..it", "a@-x.it", "a@x-.it", "a b@x.it",
        "Anna <anna@example.com>", "<anna@example.com>", "anna@example.com (Anna)", '"Anna" anna@example.com',
        "anna@example.com, zoe@example.com", "mailto:anna@example.com,", " a@x.it", "a@x.it ", "a@x.it\n", "a@x\u200b.it",
        "a\u202eb@x.it", "a\tb@x.it", f"a@{'x' * 64}.it", f"a@{'x.' * 130}it", "a@xn--zz.de", "a@x_y.it", "a@exa mple.com",
    ],
)  # fmt: skip
def test_what_is_no_email_address(text: str) -> None:
    assert not is_email(text)


@given(st.emails())
def test_every_ascii_address_is_one(text: str) -> None:
    assert is_email(text)


DOMAINS = st.text("ab1-.ßøx", min_size=1, max_size=12)
LOCALS = st.text("ab1.+-_'\"ë @<>", min_size=1, max_size=12)


@given(LOCALS, DOMAINS)
@example("a", "xn--a.b")
def test_usual_addresses_are_judged_as_all_others(local: str, domain: str) -> None:
    """The fast path decides as the library does, but for names that are kept for special uses."""
    assume(not domain.endswith(("test", "local", "invalid", "onion", "arpa", "localhost")))
    text = f"{local}@{domain}"
    try:
        validate_email(
            text, check_deliverability=False, allow_quoted_local=True,
            allow_domain_literal=True, globally_deliverable=False,
        )  # fmt: skip
    except EmailNotValidError:
        assert not is_email(text)
    else:
        assert is_email(text)


@given(st.text(max_size=20) | st.text('@.<>"()[]:\\ a\u0130\u0660', max_size=10))
def test_no_text_is_too_odd(text: str) -> None:
    for format_ in ("email", "uri", "ip-addresses"):
        DocumentValidator({"type": "string", "format": format_}).faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example/p/1?a=b#c", "http://x.it/perché no", "http://münchen.de/ä", "www.x.it", "x.it/path", "//cdn.x.it/a.png",
        "/a/b", "?q=1", "x.it:8080/a", "ftp://x.it", "app://product/1", "mailto:a@x.it", "no scheme: at all", "javascript", "data/x",
        "https://x.it/javascript:1", "https://x.it/?u=data:1", "javascripts:x", "http://[::1]/", "http://x.it/%zz", "日本",
    ],
)  # fmt: skip
def test_web_addresses(text: str) -> None:
    assert is_web_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "DATA:,x", "vbscript:x", " javascript:alert(1)",
        "\u00a0javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)",
        "javascript\r:alert(1)", "http://x.it/\n", "http://x.it/\x7f", "http://x.it/\x85", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_web_address(text: str) -> None:
    assert not is_web_address(text)


@given(st.text())
def test_all_but_control_characters_and_scripts(text: str) -> None:
    """As the WHATWG standard has it: space is cut off, tabs and line ends are taken out."""
    has_control = any(unicodedata.category(character) == "Cc" for character in text)
    start = "".join(text.split()).casefold()
    runs = start.startswith(("javascript:", "data:", "vbscript:"))
    if has_control or not runs:
        assert is_web_address(text) == (not has_control)


@given(
    st.sampled_from(["javascript", "data", "vbscript"]),
    st.lists(st.booleans(), min_size=10, max_size=10),
    st.text(" \t\n\r\u00a0\u2003", max_size=3),
    st.integers(0, 10),
    st.text("\t\n\r", max_size=2),
    st.text(max_size=5),
)
def test_no_spelling_of_a_script_is_taken(
    scheme: str, upper: list[bool], space: str, at: int, inside: str, rest: str
) -> None:
    odd = "".join(
        each.upper() if is_upper else each
        for each, is_upper in zip(scheme, upper, strict=False)
    ).ljust(len(scheme), scheme[-1])  # fmt: skip
    assert not is_web_address(f"{space}{odd[:at]}{inside}{odd[at:]}:{rest}")


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1", "2001:db8::1", "10.0.0.0/8", "10.1.2.3/8", "2001:db8::/32", "10.0.0.1, 2001:db8::1", "10.0.0.1,10.0.0.2,10.0.0.3",
        "::ffff:10.0.0.1", "fe80::1%eth0",
    ],
)  # fmt: skip
def test_ip_addresses(text: str) -> None:
    assert is_ip_addresses(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "300.1.1.1", "10.0.0", "10.0.0.1/33", "10.0.0.1,", ",10.0.0.1", "10.0.0.1;10.0.0.2", "10.0.0.1 10.0.0.2", "010.0.0.1",
        "10.0.0.1:80", "unknown", "1" * 400, "٣.0.0.1", ", ".join(["10.0.0.1"] * 101),
    ],
)  # fmt: skip
def test_what_is_no_ip_address(text: str) -> None:
    assert not is_ip_addresses(text)


@given(st.lists(st.ip_addresses(), min_size=1, max_size=5), st.sampled_from([",", ", ", " , "]))
def test_every_list_of_addresses(addresses: list[ipaddress.IPv4Address], comma: str) -> None:
    assert is_ip_addresses(comma.join(map(str, addresses)))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://cdn.example/a.png?b#c", "https://cdn.example"),
        (" HTTP://CDN.example:8080/a ", "http://cdn.example:8080"),
        ("https://münchen.de/a.png", "https://xn--mnchen-3ya.de"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        *[(odd, None) for odd in (
            "", "a.png", "/a.png", "//cdn.example/a.png", "cdn.example/a.png", "javascript:alert(1)",
            "data:image/png,x", "blob:https://a.it/x", "ftp://a.it/x", "https:", "https:///a", "https://",
            "https://u:p@a.it/", "https://a.it@hub.it/", "https://a.it\\@hub.it/", "https://[::1]/",
            "https://[::1", "https://a.it:x/", "https://a.it:99999/", "https://a.it;script-src *",
            "https://a.it, b.it/", "https://a.it 'self'/", "https://*.it/", "https://a.it./", "https://é..it/",
        )],
    ],
)  # fmt: skip
def test_origins(text: str, origin: str | None) -> None:
    found = web_origin(text)
    assert (found and found[0]) == origin


@given(st.text() | st.from_regex(r"https?://[^/]{0,20}(/.*)?"))
def test_an_origin_is_one_source_of_a_policy(text: str) -> None:
    found = web_origin(text)
    if found is not None:
        origin, host = found
        assert re.fullmatch(rf"https?://{re.escape(host)}(:[0-9]+)?", origin)
        assert re.fullmatch(r"[a-z0-9.-]+", host)
