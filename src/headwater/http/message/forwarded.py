"""Forwarded: the address of a client behind proxies, from X-Forwarded-For, as far as these are trusted.

The list is read from the right: what the nearest proxy added is believed if the connection came from a trusted one,
what stands left of it if that is the address of a trusted one as well, and so on. The first address that is no proxy's
is the client's; whatever is left of it, anybody could have written. Where a proxy wrote no address (`unknown`, a name),
the one that stands right of it is all that is known.

The standard field, Forwarded (RFC 7239), is not read: its quoted strings are read from the left, so a client that opens
one and does not close it can swallow what the proxies add after it, and make its own words theirs.
"""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from headwater.settings import SettingsError

Scope = MutableMapping[str, Any]

SOCKET: Final = "unix"
"""In the setting: a proxy at the other end of a unix socket, where a connection has no address."""

_NAME: Final = b"x-forwarded-for"


class Proxies:
    """`networks` as in HEADWATER_TRUSTED_PROXIES; raises `SettingsError`."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._socket = SOCKET in networks
        self._networks = [_network(each) for each in networks if each != SOCKET]

    def find_client(self, scope: Scope) -> Scope:
        """The same scope, with the client's own address if a trusted proxy says it."""
        client = scope.get("client")
        if not (self._trusts(read_address(client[0])) if client and client[0] else self._socket):
            return scope
        found = None
        for hop in reversed(_hops(scope)):
            address = read_address(hop)
            if address is None:
                break
            found = address
            if not self._trusts(found):
                break
        return {**scope, "client": (str(found), 0)} if found is not None else scope

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


@lru_cache(4096)
def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Of ``192.0.2.1``, ``192.0.2.1:4711``, ``2001:db8::1`` or ``[2001:db8::1]:4711``; IPv4 inside IPv6 is IPv4."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _hops(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == _NAME]
    return [hop.strip() for value in values for hop in value.split(",") if hop.strip()]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise SettingsError(variable="HEADWATER_TRUSTED_PROXIES", value=text, reason=str(error)) from None
