"""The states of a task, and the transitions between them."""

from typing import Final, Literal

from headwater import Problem

State = Literal["open", "doing", "done", "cancelled"]

WAYS: Final[dict[State, tuple[State, ...]]] = {
    "open": ("doing", "done", "cancelled"),
    "doing": ("open", "done", "cancelled"),
    "done": ("open",),
    "cancelled": ("open",),
}
"""A task that has ended can only be reopened."""


def require_way(here: State, there: State) -> None:
    """Raise a `Problem` 409 that names the allowed transitions, unless this is one. Staying is not a transition."""
    if here != there and there not in WAYS[here]:
        allowed = list(WAYS[here])
        detail = f"A task that is {here} cannot become {there}; it can become {' or '.join(allowed)}."
        raise Problem(409, detail=detail, state=here, wanted=there, allowed=allowed)


def is_over(state: State) -> bool:
    return state in ("done", "cancelled")
