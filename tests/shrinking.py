"""Shrinking within a time: a property that fails on an engine is told in seconds, with the least example found by then.

Hypothesis looks for a lesser example for up to five minutes, which examples of a tenth of a second and more use up.
"""

import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from hypothesis import reject
from hypothesis.errors import UnsatisfiedAssumption

SECONDS: Final = 15.0

Property = Callable[..., Coroutine[Any, Any, None]]


def shrinking_briefly(test: Property) -> Property:
    """Between ``@given`` and the property: once it has failed for so long, only what has failed before is tried."""
    failed: set[str] = set()
    until: float | None = None

    @functools.wraps(test)
    async def tried(**arguments: Any) -> None:
        nonlocal until
        example = repr(arguments)
        if until is not None and time.monotonic() > until and example not in failed:
            reject()
        try:
            await test(**arguments)
        except UnsatisfiedAssumption:
            raise
        except Exception:
            until = until or time.monotonic() + SECONDS
            failed.add(example)
            raise

    return tried
