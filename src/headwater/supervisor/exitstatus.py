"""Exit statuses in words."""

import contextlib
import signal


def describe_end(status: int) -> str:
    """An exit status in words: ``ended with status 1``, ``was killed by SIGKILL``."""
    if status >= 0:
        return f"ended with status {status}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"
