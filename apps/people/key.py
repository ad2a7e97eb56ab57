"""A key: 256 random bits, with a prefix by which secret scanners, and we, recognise it."""

import secrets
from typing import Final

PREFIX: Final = "hwk_"


def make_secret() -> str:
    """A new key. It cannot be guessed, so it is safe to store a fast digest of it."""
    return PREFIX + secrets.token_urlsafe(32)


def is_secret(text: str) -> bool:
    """Whether the text has the form of a key; anything else is not looked up in the database."""
    return text.startswith(PREFIX) and len(text) == len(PREFIX) + 43
