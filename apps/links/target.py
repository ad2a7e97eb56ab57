"""The target of a link. Here the abuse of a shortener is refused: only public web pages get a short name.

The URL is checked as a browser will parse it (WHATWG URL), not as it is written: hosts are compared after IDNA, and a
host that a browser parses as a number is an address. Names are not resolved: the result may change at any time, and it
matters only to whoever fetches the page, which is never this service.
"""

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

LENGTH: Final = 2048

_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\<>\"^`{|}]")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._"  # characters that a URL may contain, escapes included

_CARRYING: Final = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))
"""Networks whose last 32 bits are an IPv4 address (RFC 6052, RFC 2765, RFC 4291 section 2.5.5.1)."""
_LOCAL_NAT: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: each network has its own

_PRIVATE: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "test", "invalid")
"""Names of private networks (RFC 6761, RFC 6762, RFC 8375, and those that ICANN found in wide use)."""


class TargetRefused(Exception):
    """A link may not lead there; the message is for the user."""


class Target(NamedTuple):
    """A normalised URL, as it is stored and sent: ASCII, with its host in lower case."""

    url: str
    host: str


def read_target(text: str, own: frozenset[str] = frozenset(), allowed: frozenset[str] = frozenset()) -> Target:
    """Parse a target; raises `TargetRefused`.

    `own` are the hosts that serve short links, because a link to a short link could be a loop.
    `allowed` are private hosts that are allowed nevertheless.
    """
    if _UNSAFE.search(text):
        raise TargetRefused("A URL cannot contain spaces, control characters, backslashes or quotation marks.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise TargetRefused("This is not a URL.") from None
    if parts.scheme not in ("http", "https"):
        raise TargetRefused("A link can only lead to an http or https URL.")
    if "@" in parts.netloc:
        raise TargetRefused("The URL must not contain a user name or a password.")
    host = _host(parts.hostname or "")
    if host in own:
        raise TargetRefused("A short link cannot lead to a short link.")
    if host not in allowed:
        _require_public(host)
    place = f"[{host}]" if ":" in host else host
    authority = place if port is None else f"{place}:{port}"
    rest = text.partition("//")[2].removeprefix(parts.netloc)
    url = f"{parts.scheme}://{authority}{quote(rest, safe=_SAFE)}"
    if len(url) > LENGTH:
        raise TargetRefused(f"With its characters escaped, the URL is longer than {LENGTH}.")
    return Target(url, host)


def host_of(authority: str) -> str:
    """The host in a Host header, normalised as in targets; empty if it is invalid."""
    try:
        return _host(urlsplit(f"//{authority}").hostname or "")
    except (ValueError, TargetRefused):
        return ""


def _host(text: str) -> str:
    if ":" in text:
        return _address_text(text)
    try:
        host = text.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        raise TargetRefused("The host is not a valid name.") from None
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise TargetRefused("The host is not a valid name.")
    return host


def _address_text(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise TargetRefused("The host is not a valid address.") from None


def _require_public(host: str) -> None:
    address = _address(host)
    if address is not None:
        if not all(_is_public(each) for each in _meant(address)):
            raise TargetRefused("The address is not a public one.")
    elif "." not in host or any(host == name or host.endswith(f".{name}") for name in _PRIVATE):
        raise TargetRefused("The host is not a public one.")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for a name. A host whose last label is a number is an IPv4 address or nothing (WHATWG URL section 3.5)."""
    if ":" in host:
        return ipaddress.IPv6Address(host)
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(host)
    except ValueError:
        raise TargetRefused("An address must be written as four decimal numbers.") from None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    local = isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address in _LOCAL_NAT)
    return address.is_global and not address.is_multicast and not local


def _meant(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address and those embedded in it: mapped, 6to4, Teredo, NAT64, translated, compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if any(address in network for network in _CARRYING):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return inner
