"""What a command says of its Idempotency-Key."""

from typing import Literal, TypedDict

from headwater.http.route.option import Option

Idempotency = Literal["none", "optional", "required"]


class IdempotencyOption(Option, frozen=True, kw_only=True):
    """Whether an Idempotency-Key is ignored, honoured or demanded."""

    idempotency: Idempotency = "none"


class IdempotencyOptions(TypedDict, total=False):
    """What a command can say of its key."""

    idempotency: Idempotency
    """Whether an Idempotency-Key is ignored, honoured or demanded; by default honoured."""
