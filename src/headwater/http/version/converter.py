"""A converter: a function that converts a type to its form in the next older or newer version."""

import enum
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, Literal, NoReturn

import msgspec

from headwater.http.version.errors import ConverterInvalid, ConvertersClash
from headwater.part import Declaration

Direction = Literal["downgrade", "upgrade"]
Convert = Callable[[Any], Any]


class Converter(Declaration, frozen=True, kw_only=True):
    """Declared by ``@app.downgrade(version)``, which converts to that version, or ``@app.upgrade(version)``, from
    it."""

    version: str
    direction: Direction
    convert: Convert

    @property
    def location(self) -> str:
        return f"{self.convert.__module__}.{getattr(self.convert, '__qualname__', '?')}"


class ConversionStep(msgspec.Struct, frozen=True, kw_only=True):
    """A converter read: `newer` becomes `older`, or the other way round."""

    converter: Converter
    newer: Any
    older: Any


def read_steps(converters: Iterable[Converter], version: str, direction: Direction) -> dict[Any, ConversionStep]:
    """The steps of one direction between a version and the next newer one, by the newer type."""
    steps: dict[Any, ConversionStep] = {}
    for converter in converters:
        if (converter.version, converter.direction) == (version, direction):
            step = read_step(converter)
            if step.newer in steps:
                locations = {"first": steps[step.newer].converter.location, "second": converter.location}
                raise ConvertersClash(direction=direction, version=version, kind=step.newer, **locations)
            steps[step.newer] = step
    return steps


def read_step(converter: Converter) -> ConversionStep:
    """The types of a converter, by its annotations; raises `ConverterInvalid`."""
    if inspect.iscoroutinefunction(converter.convert):
        _invalid(converter, "it is asynchronous", "Write `def`: it only builds one value from another.")
    hints = _hints(converter)
    taken, given = _parameter(converter, hints), hints.get("return")
    if given is None:
        _invalid(converter, "what it returns has no type", _fix(converter))
    newer, older = (taken, given) if converter.direction == "downgrade" else (given, taken)
    if not _is_named(newer):
        _invalid(converter, f"{newer} is neither a Struct nor an Enum", "Only named types can be converted.")
    return ConversionStep(converter=converter, newer=newer, older=older)


def _parameter(converter: Converter, hints: dict[str, Any]) -> Any:
    parameters = list(inspect.signature(converter.convert).parameters.values())
    if len(parameters) != 1 or parameters[0].name not in hints:
        _invalid(converter, "it must have exactly one parameter with a type", _fix(converter))
    return hints[parameters[0].name]


def _hints(converter: Converter) -> dict[str, Any]:
    try:
        return typing.get_type_hints(converter.convert, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        _invalid(converter, str(error), "Import the type at the top of the module.")


def _is_named(kind: Any) -> bool:
    origin = typing.get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, msgspec.Struct | enum.Enum)


def _fix(converter: Converter) -> str:
    example = "product: Product) -> ProductV1" if converter.direction == "downgrade" else "old: ProductV1) -> Product"
    return f"Write `def {getattr(converter.convert, '__name__', 'convert')}({example}`, say."


def _invalid(converter: Converter, reason: str, fix: str) -> NoReturn:
    raise ConverterInvalid(
        direction=converter.direction, version=converter.version, location=converter.location, reason=reason, fix=fix
    )
