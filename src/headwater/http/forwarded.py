"""Forwarded: the address of a client behind proxies, from X-Forwarded-For, as far as these are trusted.

The list is read from the right: what the nearest proxy added is believed if the connection came from a trusted one,
what stands left of it if that is the address of a trusted one as well, and so on. The first address that is no proxy's
is the client's; whatever is left of it, anybody could have written.
"""

from collections.abc import MutableMapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
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
        if not (self._trusts(client[0]) if client and client[0] else self._socket):
            return scope
        address = client[0] if client else ""
        for hop in reversed(_hops(scope)):
            address = hop
            if not self._trusts(hop):
                break
        return {**scope, "client": (address, 0)} if address else scope

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def _hops(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == _NAME]
    return [hop.strip() for value in values for hop in value.split(",") if hop.strip()]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise SettingsError(variable="HEADWATER_TRUSTED_PROXIES", value=text, reason=str(error)) from None
