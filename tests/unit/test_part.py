"""The module of parts lists every type of declaration that there is."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import headwater
from headwater import part
from headwater.part import Declaration


def derived(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from derived(each)


def test_the_list_of_declarations_is_complete_and_right() -> None:
    for module in pkgutil.walk_packages(headwater.__path__, "headwater."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    names = {f"{each.__module__}.{each.__qualname__}" for each in derived(Declaration)}
    listed = {line.split("`")[1] for line in (part.__doc__ or "").splitlines() if line.startswith("`headwater.")}
    assert listed == {name for name in names if name.startswith("headwater.")}
