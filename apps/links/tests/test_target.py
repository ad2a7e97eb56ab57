"""What a link may lead to, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.links.target import LENGTH, TargetRefused, host_of, read_target


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTPS://EXAMPLE.com./A?b=C#d", "https://example.com/A?b=C#d"),
        ("http://example.com:8080/a%20b", "http://example.com:8080/a%20b"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("https://example.com//double?", "https://example.com//double?"),
        ("https://8.8.8.8/dns", "https://8.8.8.8/dns"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        (
            "https://example.com/?next=https://user@other.example",
            "https://example.com/?next=https://user@other.example",
        ),
    ],
)
def test_a_target_has_one_spelling(text: str, url: str) -> None:
    assert read_target(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,hello",
        "ftp://example.com/a",
        "//example.com/no-scheme",
        "example.com/a",
        "https:///a",
        "https://user:secret@example.com/",
        "https://example.com@evil.example/",
        "https://exa mple.com/",
        "https://example.com\\@evil.example/",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://example.com:99999/",
        "https://-example.com/",
        "https://example..com/",
        "https://127%2e0.0.1/",
    ],
)
def test_what_is_no_plain_web_address_is_refused(text: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(text)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "a.localhost",
        "intranet",
        "printer.local",
        "router.home.arpa",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.0x1",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",  # fullwidth digits
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[::7f00:1]",
        "[::ffff:0:7f00:1]",
        "[fec0::1]",
        "[2002:7f00:1::]",
        "[ff02::1]",
    ],
)
def test_no_link_leads_into_a_private_network(host: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(f"http://{host}/")


def test_a_private_host_that_is_allowed_may_be_led_to() -> None:
    assert read_target("http://intranet/", allowed=frozenset({"intranet"})).host == "intranet"


@pytest.mark.parametrize("text", ["https://sho.rt/abc", "https://SHO.RT:443/abc", "https://sho.rt./abc"])
def test_a_short_link_does_not_lead_to_a_short_link(text: str) -> None:
    with pytest.raises(TargetRefused):
        read_target(text, own=frozenset({host_of("sho.rt:8000")}))


@pytest.mark.parametrize(
    ("authority", "host"), [("A.b:80", "a.b"), ("[::1]:80", "::1"), ("", ""), ("a b", ""), ("[", "")]
)
def test_the_host_of_an_authority_is_spelt_like_that_of_a_target(authority: str, host: str) -> None:
    assert host_of(authority) == host


@given(st.text(max_size=80))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}", f"https://example.com/{text}", f"https://example.com{text}"):
        try:
            target = read_target(candidate)
        except TargetRefused:
            continue
        assert target.url.isascii()
        assert target.url.isprintable()
        assert len(target.url) <= LENGTH
        assert read_target(target.url) == target
