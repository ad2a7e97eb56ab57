"""Forwarded: the address of a client behind trusted proxies, from X-Forwarded-For.

The list is read from the right. The last entry is trusted if the connection came from a trusted proxy; the entry before
it is trusted if the last is the address of a trusted proxy, and so on. The first address that is not a trusted proxy is
the client's; entries before it could be forged. Where a proxy wrote no address (`unknown`, a name), the entry after it
is used.

The standard field, Forwarded (RFC 7239), is not read: its quoted strings are parsed from the left, so a client that
opens a quoted string and does not close it can hide what proxies append.
"""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from headwater.settings import SettingsError

Scope = MutableMapping[str, Any]

SOCKET: Final = "unix"
"""In the setting: trust the peer of a unix socket, which has no address."""

_NAME: Final = b"x-forwarded-for"


class Proxies:
    """`networks` as in HEADWATER_TRUSTED_PROXIES; raises `SettingsError`."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._socket = SOCKET in networks
        self._networks = [_network(each) for each in networks if each != SOCKET]

    def find_client(self, scope: Scope) -> Scope:
        """The scope with the client's address, if a trusted proxy forwarded it."""
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
