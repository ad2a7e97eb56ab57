"""How many examples of a property are tried: some with every change, ten times as many in the proof."""

from typing import Final

from hypothesis import settings

BRIEF: Final = 100
"""Hypothesis' own default."""

PROOF: Final = 1000


def examples(count: int) -> int:
    """For ``@settings(max_examples=…)`` of what is dear: `count` with every change, ten times that in the proof."""
    assert settings.default is not None
    return count * settings.default.max_examples // BRIEF
