"""An edition: one compiled version of the API, with its routes and its forms of the types."""

from collections.abc import Sequence
from copy import copy
from typing import Any, Final

import msgspec

from headwater.binding import Parameter
from headwater.http.binding.inputs import Input
from headwater.http.compiler import Compiler
from headwater.http.page import Pages
from headwater.http.route.route import Route, refuse_option, segments_of
from headwater.http.route.signature import Convert, Signature
from headwater.http.step.operation import Operation
from headwater.http.version.choice import FieldChoice, field_choice_of
from headwater.http.version.conversion import Conversion, Conversions
from headwater.http.version.converter import Converter, Direction, read_steps
from headwater.http.version.declaration import Deprecated, Versions
from headwater.http.version.errors import ConverterInvalid, ConverterUnused, VersionsMissing
from headwater.http.version.naming import QUERY, segment_of
from headwater.http.version.options import VersionOption

_DIRECTIONS: Final[tuple[Direction, ...]] = ("downgrade", "upgrade")
_HEADERS: Final = ("api-version", "accept-version")


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """The operations of one version; `deprecated` if it is on its way out, then toward `successor`.

    `choices` are the fields that can be chosen of converted items, by method and path.
    """

    name: str
    operations: list[Operation]
    deprecated: Deprecated | None = None
    successor: str | None = None
    choices: dict[tuple[str, str], FieldChoice] = {}

    def has(self, route: Route) -> bool:
        """Whether this edition answers the same method and path."""
        return any((each.route.method, each.route.path) == (route.method, route.path) for each in self.operations)


def compile_editions(
    versions: Versions, routes: Sequence[Route], converters: Sequence[Converter], compiler: Compiler
) -> list[Edition]:
    """An edition for each version, the oldest first.

    Raises a `VersionError` for converters that do not fit together, and a `RouteError` for a route that cannot be
    served in one of the versions.
    """
    _refuse_strangers(versions, converters)
    for route in routes:
        _refuse_ranges(versions, route)
    chain = [_Stage(versions, converters, index) for index in range(len(versions.names) - 1)]
    editions = [_compile(versions, index, routes, chain[index:], compiler) for index in range(len(versions.names))]
    for stage in chain:
        stage.refuse_unused()
    return editions


def refuse_versions(routes: Sequence[Route], converters: Sequence[Converter]) -> None:
    """Raise `VersionsMissing` for routes or converters that name versions in a backend without versions."""
    for route in routes:
        declared = route.option(VersionOption)
        named = declared.since or declared.until
        if named is not None:
            raise VersionsMissing(what=f"{route} ({route.location})", version=named)
    for converter in converters:
        raise VersionsMissing(what=f"@app.{converter.direction} {converter.location}", version=converter.version)


class _Stage:
    """Between one version and the next newer one."""

    def __init__(self, versions: Versions, converters: Sequence[Converter], index: int) -> None:
        self._version, self._newer = versions.names[index], versions.names[index + 1]
        self._steps = {each: read_steps(converters, self._version, each) for each in _DIRECTIONS}
        self.conversions = {each: Conversions(self._steps[each], each) for each in _DIRECTIONS}

    def refuse_unused(self) -> None:
        for direction, steps in self._steps.items():
            for newer, step in steps.items():
                if newer not in self.conversions[direction].used:
                    raise ConverterUnused(
                        direction=direction,
                        version=self._version,
                        newer=self._newer,
                        location=step.converter.location,
                        kind=newer.__name__ if isinstance(newer, type) else newer,
                        where="answer" if direction == "downgrade" else "body",
                    )


class _Adaptation:
    """Converts a handler's signature to that of an older version, through every version between."""

    def __init__(self, versions: Versions, stages: Sequence[_Stage]) -> None:
        self._passed = frozenset({QUERY}) if "query" in versions.by else frozenset()
        self._stages = stages[::-1]  # the newest first
        self.choices: dict[tuple[str, str], FieldChoice] = {}

    def __call__(self, route: Route, signature: Signature) -> Signature:
        answer = self._convert(signature.returns, "downgrade")
        choice = self._choice(signature, answer)
        if choice is not None:
            self.choices[route.method, route.path] = choice
        return msgspec.structs.replace(
            signature,
            parameters=tuple(self._parameter(each, answer) for each in signature.parameters),
            convert=answer.convert,
            shown=answer.older if choice is None else choice.shown,
            passed=self._passed,
        )

    def _choice(self, signature: Signature, answer: Conversion) -> FieldChoice | None:
        pages = [each.marker for each in signature.parameters if isinstance(each.marker, Pages)]
        return field_choice_of(pages[0], answer.older) if pages and answer.convert is not None else None

    def _parameter(self, parameter: Parameter, answer: Conversion) -> Parameter:
        if isinstance(parameter.marker, Pages) and answer.convert is not None:
            return msgspec.structs.replace(parameter, marker=_whole(parameter.marker))
        found = self._convert(parameter.annotation, "upgrade")
        if found.convert is None:
            return parameter
        return msgspec.structs.replace(
            parameter, annotation=found.older, convert=found.convert, converted=parameter.annotation
        )

    def _convert(self, kind: Any, direction: Direction) -> Conversion:
        converts: list[Convert] = []
        for stage in self._stages:
            found = stage.conversions[direction].of(kind)
            kind = found.older
            if found.convert is not None:
                converts.append(found.convert)
        return Conversion(kind, _chain(converts if direction == "downgrade" else converts[::-1]))


def _whole(pages: Pages) -> Pages:
    """The same list without a choice of fields, which is made once they are converted: see `FieldChoice`."""
    whole = copy(pages)
    whole.fields = False
    return whole


def _chain(converts: list[Convert]) -> Convert | None:
    if len(converts) < 2:
        return converts[0] if converts else None

    def convert(value: Any) -> Any:
        for each in converts:
            value = each(value)
        return value

    return convert


def _compile(
    versions: Versions, index: int, routes: Sequence[Route], stages: Sequence[_Stage], compiler: Compiler
) -> Edition:
    name = versions.names[index]
    adapt = _Adaptation(versions, stages)
    operations = []
    for route in routes:
        if _lives(versions, route, index):
            operation = compiler.operation(route, adapt)
            _refuse_parameter(versions, operation)
            operations.append(operation)
    return Edition(
        name=name,
        operations=operations,
        deprecated=versions.deprecated.get(name),
        successor=versions.successor_of(name),
        choices=adapt.choices,
    )


def _lives(versions: Versions, route: Route, index: int) -> bool:
    declared = route.option(VersionOption)
    first = 0 if declared.since is None else versions.names.index(declared.since)
    last = len(versions.names) - 1 if declared.until is None else versions.names.index(declared.until)
    return first <= index <= last


def _refuse_strangers(versions: Versions, converters: Sequence[Converter]) -> None:
    for converter in converters:
        if converter.version not in versions.names[:-1]:
            older = ", ".join(map(repr, versions.names[:-1])) or "none"
            raise ConverterInvalid(
                direction=converter.direction,
                version=converter.version,
                location=converter.location,
                reason=f"the older versions are {older}",
                fix="A converter converts between one of these and the next newer version.",
            )


def _refuse_ranges(versions: Versions, route: Route) -> None:
    declared = route.option(VersionOption)
    for option in ("since", "until"):
        named = getattr(declared, option)
        if named is not None and named not in versions.names:
            refuse_option(route, f"{option}={named!r}", f"the versions are {', '.join(map(repr, versions.names))}")
    first = segments_of(route)[0]
    if "uri" in versions.by and first in map(segment_of, versions.names):
        refuse_option(route, "the path", f"/{first} is the segment of a version; write the path without it")
    if not any(_lives(versions, route, index) for index in range(len(versions.names))):
        refuse_option(route, f"since={declared.since!r}, until={declared.until!r}", "no version is between the two")


def _refuse_parameter(versions: Versions, operation: Operation) -> None:
    taken: Input | None = next((each for each in operation.binding.inputs if _is_taken(versions, each)), None)
    if taken is not None:
        reason = f"it names the version of the API, because versions are named by {' or '.join(versions.by)}"
        refuse_option(operation.route, f"the {taken.where} parameter {taken.name!r}", reason)


def _is_taken(versions: Versions, source: Input) -> bool:
    if source.where == "query":
        return "query" in versions.by and source.name == QUERY
    return source.where == "header" and "header" in versions.by and source.name.lower() in _HEADERS
