"""The name of a link: seven random characters, or a chosen name."""

import secrets
from typing import Final

from headwater import Problem

LENGTH: Final = 7
"""Of 62 characters: 3.5 trillion codes, so that guessing finds none and two hardly ever collide."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

RESERVED: Final = frozenset({
    "about", "abuse", "account", "admin", "api", "app", "apps", "assets", "auth", "blocked-hosts", "contact",
    "docs", "favicon", "files", "graphql", "health", "help", "home", "index", "legal", "link", "links", "livez",
    "login", "logout", "metrics", "new", "null", "openapi", "people", "privacy", "readyz", "report", "robots",
    "root", "search", "security", "settings", "signin", "signup", "startupz", "static", "status", "support",
    "terms", "undefined", "user", "users", "well-known", "www",
})  # fmt: skip
"""Names that are paths here, may become paths, or would make a link look like a part of the service."""


def draw_code() -> str:
    """A code that cannot be guessed. Only the database knows whether it is free."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def require_free_word(alias: str) -> None:
    """Raise a `Problem` for a reserved name."""
    if alias in RESERVED:
        raise Problem(422, errors=[{"detail": "This name is reserved.", "pointer": "#/alias"}])
