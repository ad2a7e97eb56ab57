"""Engine URLs without their password, for logs and messages."""

from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urlencode, urlsplit, urlunsplit


def shown_host(url: str) -> str:
    """Host and port, or the folder of a unix socket."""
    parts = _split(url)
    if parts is None:
        return "an invalid URL"
    host = parts.netloc.rpartition("@")[2]
    return host or _named(parts, "host") or unquote(parts.path) or "its default address"


def shown_database(url: str) -> tuple[str, str]:
    """The database and the role that a PostgreSQL URL names."""
    parts = _split(url)
    if parts is None:
        return "headwater", "headwater"
    database, role = unquote(parts.path.removeprefix("/")), unquote(parts.username or "")
    return database or _named(parts, "dbname") or "headwater", role or _named(parts, "user") or "headwater"


def without_password(text: str, url: str) -> str:
    """`text`, with every occurrence of the password of `url` replaced by asterisks."""
    parts = _split(url)
    if parts is None:
        return text
    written = parts.netloc.rpartition("@")[0].partition(":")[2]
    for password in (written, unquote(written), _named(parts, "password")):
        if password:
            text = text.replace(password, "***")
    return text


def split_password(url: str) -> tuple[str, str | None]:
    """The URL without its password, fit for a process list, and the password."""
    parts = _split(url)
    if parts is None:
        return url, None
    user, at, host = parts.netloc.rpartition("@")
    name, _, written = user.partition(":")
    named = _named(parts, "password")
    if not (written or named):
        return url, None
    others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "password"]
    bare = parts._replace(netloc=f"{name}{at}{host}", query=urlencode(others))
    return urlunsplit(bare), named or unquote(written)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _named(parts: SplitResult, name: str) -> str:
    return parse_qs(parts.query).get(name, [""])[0]
