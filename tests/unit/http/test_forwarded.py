"""The address of a client behind proxies."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.http.message.forwarded import Proxies
from headwater.settings import SettingsError


def found(networks: str, client: str | None, *headers: str) -> str | None:
    scope: dict[str, Any] = {
        "client": (client, 1) if client else None,
        "headers": [(b"x-forwarded-for", header.encode()) for header in headers],
    }
    seen = Proxies(networks.split(",")).find_client(scope)["client"]
    return seen[0] if seen else None


@pytest.mark.parametrize(
    ("networks", "client", "headers", "wanted"),
    [
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", ["198.51.100.1, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", ["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
        ("10.0.0.0/8", "192.0.2.9", ["198.51.100.1"], "192.0.2.9"),
        ("10.0.0.0/8", "10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.0/8", None, ["192.0.2.7"], None),
        ("unix", None, ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.0/8", "10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.7, 10.0.0.2:80"], "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("2001:db8:ffff::/48", "2001:db8:ffff::1", ["192.0.2.7, [2001:db8:ffff::2]:80"], "192.0.2.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", ["192.0.2.7, ::ffff:10.0.0.2"], "192.0.2.7"),
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.7, unknown"], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ["192.0.2.7, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("unix", "", ["192.0.2.7"], "192.0.2.7"),
        ("unix", None, ["unknown"], None),
    ],
)
def test_a_proxy_is_believed_as_far_as_it_is_trusted(
    networks: str, client: str | None, headers: list[str], wanted: str | None
) -> None:
    assert found(networks, client, *headers) == wanted


@given(st.lists(st.ip_addresses(v=4), max_size=4), st.lists(st.ip_addresses(v=4), max_size=4))
def test_what_a_client_writes_itself_never_changes_whom_it_is_taken_for(written: list[Any], inside: list[Any]) -> None:
    proxies = [ip_address(int(each) % 2**24 + (10 << 24)) for each in inside]
    true = ip_address("192.0.2.7")
    header = ", ".join(map(str, [*written, true, *proxies]))
    assert found("10.0.0.0/8", "10.0.0.1", header) == str(true)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="HEADWATER_TRUSTED_PROXIES"):
        Proxies(["10.0.0.1/8"])
