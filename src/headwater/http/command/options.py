"""The idempotency option of a command."""

from typing import Literal, TypedDict

from headwater.http.route.option import Option

Idempotency = Literal["none", "optional", "required"]


class IdempotencyOption(Option, frozen=True, kw_only=True):
    """Whether an Idempotency-Key is ignored, optional or required."""

    idempotency: Idempotency = "none"


class IdempotencyOptions(TypedDict, total=False):
    """Options of commands."""

    idempotency: Idempotency
    """Whether an Idempotency-Key is ignored, optional or required; by default optional."""
