"""What may be shown of an engine's URL: where it points, never the password in it."""

from urllib.parse import parse_qs, unquote, urlsplit


def shown_host(url: str) -> str:
    """Host and port, or the folder of a unix socket."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    named = parse_qs(parts.query).get("host", [""])[0]
    return host or named or unquote(parts.path) or "its default address"


def without_password(text: str, url: str) -> str:
    """`text`, with the password of `url` blotted out should it occur."""
    for password in _passwords(url):
        text = text.replace(password, "***")
    return text


def _passwords(url: str) -> list[str]:
    parts = urlsplit(url)
    written = parts.netloc.rpartition("@")[0].partition(":")[2]
    named = parse_qs(parts.query).get("password", [""])[0]
    return [each for each in (written, unquote(written), named) if each]
