"""Problems: an exception class for each error status of the document, and for each problem type."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headwater.api.client.names import class_name
from headwater.api.client.text import docstring

_MEDIA_TYPE = "application/problem+json"
_PLAIN = "about:blank"


class ProblemClass(msgspec.Struct, frozen=True, kw_only=True):
    """An exception class; of a status if `type` is None."""

    name: str
    base: str
    status: int
    type: str | None
    description: str


def read_problems(document: Mapping[str, Any], taken: frozenset[str]) -> list[ProblemClass]:
    """The classes of statuses, each followed by those of its types; a name that is taken gets the suffix Problem."""
    found: list[ProblemClass] = []
    for name, response in document.get("components", {}).get("responses", {}).items():
        examples = response.get("content", {}).get(_MEDIA_TYPE, {}).get("examples", {})
        kinds = {key: example for key, example in examples.items() if "type" in example.get("value", {})}
        if not kinds:
            continue
        status = next(iter(kinds.values()))["value"]["status"]
        of_status = _free(name, taken, found)
        found.append(
            ProblemClass(
                name=of_status,
                base="ApiProblem",
                status=status,
                type=None,
                description=f"{status} {response['description']}.",
            )
        )
        for key, example in kinds.items():
            if example["value"]["type"] != _PLAIN:
                found.append(
                    ProblemClass(
                        name=_free(key, taken, found),
                        base=of_status,
                        status=status,
                        type=example["value"]["type"],
                        description=example.get("description") or example.get("summary", ""),
                    )
                )
    return found


def write_problems(problems: list[ProblemClass]) -> Iterator[str]:
    """The lines of the classes, and of the tables that select one."""
    for each in problems:
        yield from ("", "", f"class {each.name}({each.base}):")
        yield from docstring(each.description) or ["    pass"]
    yield from ("", "", "_BY_STATUS: Final[dict[int, type[ApiProblem]]] = {")
    yield from (f"    {each.status}: {each.name}," for each in problems if each.type is None)
    yield from ("}", "_BY_TYPE: Final[dict[str, type[ApiProblem]]] = {")
    yield from (f'    "{each.type}": {each.name},' for each in problems if each.type is not None)
    yield "}"


def _free(name: str, taken: frozenset[str], found: list[ProblemClass]) -> str:
    names = {*taken, *(each.name for each in found)}
    word = class_name(name, names)
    return word if not word.endswith("_") else class_name(f"{name} problem", names)
