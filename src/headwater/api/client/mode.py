"""The mode of a client, async or sync: the code is generated as async, and converted to sync on request."""

import re
from collections.abc import Callable
from typing import Final

Mode = Callable[[str], str]

_TURNS: Final = {
    "async def ": "def ",
    "async with ": "with ",
    "async for ": "for ",
    "await ": "",
    "AsyncIterator": "Iterator",
    "AsyncClient": "Client",
    "aiter_bytes": "iter_bytes",
    "aclose": "close",
    "aread": "read",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "from asyncio import": "from time import",
}
_LOOP: Final = re.compile(r"^( *)for (\w+) in (.+):\n +yield \2\n", re.MULTILINE)
"""A loop that only yields its items; async has no ``yield from``."""
_PATTERN: Final = re.compile("|".join(map(re.escape, _TURNS)))


def as_async(text: str) -> str:
    """Unchanged."""
    return text


def as_sync(text: str) -> str:
    """The same code without async and await."""
    return _LOOP.sub(r"\1yield from \3\n", _PATTERN.sub(lambda found: _TURNS[found[0]], text))
