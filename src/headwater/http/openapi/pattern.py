"""A string that matches a pattern: the shortest of the first branches.

Walks the tree that `re` itself compiles from, since a second parser of patterns would read some otherwise.
"""

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from typing import Any, Final

_CLASSES: Final[dict[Any, str]] = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}
_PREFERRED: Final = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_. ~"


def text_that_matches(pattern: str, least: int = 0) -> str:
    """A string of at least `least` characters in which `pattern` is found, as in JSON Schema.

    For a pattern with lookarounds or backreferences the string may not match. Give such a type ``Meta(examples=[…])``.
    """
    tree = parser.parse(pattern)
    for repeats in range(least + 1):
        text = _written(tree, repeats)
        if len(text) >= least and re.search(pattern, text):
            return text
    return _written(tree, 0)


def _written(tree: Iterable[tuple[Any, Any]], repeats: int) -> str:
    return "".join(_node(code, value, repeats) for code, value in tree)


def _node(code: Any, value: Any, repeats: int) -> str:
    if code is op.LITERAL:
        return chr(value)
    if code is op.ANY:
        return "a"
    if code is op.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if code is op.IN:
        return _one_in(value)
    if code is op.BRANCH:
        return _written(value[1][0], repeats)
    if code is op.SUBPATTERN:
        return _written(value[3], repeats)
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        least, most, inner = value
        count: int = min(max(least, repeats), most)
        return _written(inner, repeats) * count
    if code is op.ATOMIC_GROUP:
        return _written(value, repeats)
    return ""


def _one_in(members: list[tuple[Any, Any]]) -> str:
    negated = members[0][0] is op.NEGATE
    kept = members[1:] if negated else members
    fitting = (each for each in _PREFERRED if any(_holds(member, each) for member in kept) is not negated)
    return next(fitting, "") or chr(kept[0][1][0] if kept[0][0] is op.RANGE else kept[0][1])


def _holds(member: tuple[Any, Any], character: str) -> bool:
    code, value = member
    if code is op.CATEGORY:
        return re.match(_CLASSES[value], character) is not None
    return ord(character) in (range(value[0], value[1] + 1) if code is op.RANGE else (value,))
