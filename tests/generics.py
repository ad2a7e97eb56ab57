"""Generic types whose arguments are known only when the test runs, and so not to the type checker."""

from typing import Any


def of(generic: Any, *arguments: Any) -> Any:
    """``generic[arguments]``, as in ``of(dict, str, kind)``."""
    return generic[arguments]
