"""A key: 256 random bits behind a prefix that tells scanners of leaked secrets, and us, what it is."""

import secrets
from typing import Final

PREFIX: Final = "hwk_"


def make_secret() -> str:
    """A new key, for who it is shown to; nobody can guess it, so a fast digest of it is safe to store."""
    return PREFIX + secrets.token_urlsafe(32)


def is_secret(text: str) -> bool:
    """Whether it can be one of our keys at all; what cannot costs no look into the database."""
    return text.startswith(PREFIX) and len(text) == len(PREFIX) + 43
