"""A refusal under load: sent at once, before any work on the request."""

from math import ceil
from typing import Literal

from headwater.http.message.problem import Problem
from headwater.http.message.problemtype import REDUCED_CAPACITY

Reason = Literal["concurrency", "in_flight", "loop", "reads", "writes", "deadline"]


class Shed(Problem):
    """503 with Retry-After in whole seconds, at least one; `reason` is for the metrics."""

    def __init__(self, reason: Reason, detail: str, seconds: float = 1.0) -> None:
        kind = REDUCED_CAPACITY
        super().__init__(kind.status, kind.title, detail, kind.uri, {"Retry-After": str(max(1, ceil(seconds)))})
        self.reason = reason
