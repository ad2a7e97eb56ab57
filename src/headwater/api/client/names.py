"""Names: the names of the document as Python identifiers."""

import builtins
import keyword
import re
from collections.abc import Collection, Iterable
from typing import Final

_EDGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER: Final = re.compile(r"\W+", re.ASCII)
_BUILTIN: Final = frozenset(dir(builtins))
TYPES: Final = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str", "tuple"})
"""Names that would shadow a type in the lines below them in a class."""
_TAKEN: Final = TYPES | {"aclose", "close"}


def variable(name: str, taken: Collection[str] = ()) -> str:
    """``User-Agent`` becomes ``user_agent``; a keyword, a built-in type or a name in `taken` gets a trailing
    underscore."""
    word = _OTHER.sub("_", _EDGE.sub("_", name)).strip("_").lower() or "value"
    if word[0].isdigit():
        word = f"_{word}"
    while keyword.iskeyword(word) or word in taken:
        word += "_"
    return word


def class_name(name: str, taken: Collection[str] = ()) -> str:
    """``Listing_Product_`` and ``idempotency-key-reused`` become ``ListingProduct`` and ``IdempotencyKeyReused``."""
    parts = [part for part in re.split(r"[\W_]+", name, flags=re.ASCII) if part]
    word = "".join(part[0].upper() + part[1:] for part in parts) or "Value"
    if word[0].isdigit():
        word = f"_{word}"
    while keyword.iskeyword(word) or word in taken or word in _BUILTIN:
        word += "_"
    return word


def class_names(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """A unique class name for each."""
    found: dict[str, str] = {}
    for name in names:
        found[name] = class_name(name, {*taken, *found.values()})
    return found


def method_names(operations: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Method names of operations, each given as (operationId, tag); without the tag where that is unambiguous."""
    pairs = list(operations)
    short = {id: variable(id.removeprefix(f"{tag}_"), _TAKEN) for id, tag in pairs}
    counts = list(short.values())
    return {id: short[id] if counts.count(short[id]) == 1 else variable(id, _TAKEN) for id, _ in pairs}
