"""What a link may lead to. Here the abuse of a shortener is refused: what is not a public web page has no short name.

The check is of the URL as a browser will understand it (WHATWG URL), not as it is written: hosts are compared after
IDNA, and a host that a browser would read as a number is an address. What a name resolves to is not looked up: it may
change at any moment, and only whoever fetches the page, which is never us, would be deceived.
"""

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

LENGTH: Final = 2048

_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\<>\"^`{|}]")
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~-._"  # what may stand in a URL, escapes included

_CARRYING: Final = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))
"""Networks whose last 32 bits are an IPv4 address (RFC 6052, RFC 2765, RFC 4291 section 2.5.5.1)."""
_LOCAL_NAT: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: each network has its own

_PRIVATE: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "test", "invalid")
"""Names that lead into somebody's own network (RFC 6761, RFC 6762, RFC 8375, and what ICANN found in wide use)."""


class TargetRefused(Exception):
    """Why a link may not lead there, for the person who wants it to."""


class Target(NamedTuple):
    """A URL in the one spelling in which it is stored and sent: ASCII, with its host in lower case."""

    url: str
    host: str


def read_target(text: str, own: frozenset[str] = frozenset(), allowed: frozenset[str] = frozenset()) -> Target:
    """The target that `text` spells; raises `TargetRefused`.

    `own` are the hosts that serve short links: one that leads to another, or to itself, would lead in circles.
    `allowed` are hosts that may be led to though they are private.
    """
    if _UNSAFE.search(text):
        raise TargetRefused("A URL has no spaces, control characters, backslashes or quotation marks.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise TargetRefused("It is no URL.") from None
    if parts.scheme not in ("http", "https"):
        raise TargetRefused("Only http and https can be led to.")
    if "@" in parts.netloc:
        raise TargetRefused("A link holds no user name and no password.")
    host = _host(parts.hostname or "")
    if host in own:
        raise TargetRefused("A short link does not lead to a short link.")
    if host not in allowed:
        _require_public(host)
    place = f"[{host}]" if ":" in host else host
    authority = place if port is None else f"{place}:{port}"
    rest = text.partition("//")[2].removeprefix(parts.netloc)
    url = f"{parts.scheme}://{authority}{quote(rest, safe=_SAFE)}"
    if len(url) > LENGTH:
        raise TargetRefused(f"With its characters escaped it is longer than {LENGTH}.")
    return Target(url, host)


def host_of(authority: str) -> str:
    """The host in a Host header, as targets have it; empty if it is none."""
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
        raise TargetRefused("The host is no name.") from None
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise TargetRefused("The host is no name.")
    return host


def _address_text(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise TargetRefused("The host is no address.") from None


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
        raise TargetRefused("An address is written as four decimal numbers.") from None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    local = isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address in _LOCAL_NAT)
    return address.is_global and not address.is_multicast and not local


def _meant(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address and those that it carries inside: mapped, 6to4, Teredo, NAT64, translated, compatible."""
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
