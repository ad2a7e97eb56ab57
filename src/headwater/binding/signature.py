"""A handler's parameters, with every type resolved."""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Protocol

import msgspec

from headwater.binding.errors import AnnotationMissing, AnnotationUnresolved, ParameterUnbound

MISSING: Final = inspect.Parameter.empty

_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Subject(Protocol):
    """What a handler was declared for; as a string, what messages call it: ``GET /orders``, ``the consumer a.b``."""

    @property
    def handler(self) -> Callable[..., Any]: ...

    @property
    def place(self) -> str:
        """Where the handler is written, for messages."""
        ...

    @property
    def writes(self) -> bool:
        """Whether it writes in a transaction, which what it reads beside that would not see."""
        ...


class Marker:
    """Says where a parameter's value comes from, where its type alone does not: ``Annotated[str, Header()]``."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter; `annotation` is its type without the marker.

    With `convert` it is read as `annotation` and handed over as what `convert` makes of it, which is a `converted`.
    """

    name: str
    annotation: Any
    marker: Marker | None = None
    default: Any = MISSING
    keyword_only: bool = False
    convert: Callable[[Any], Any] | None = None
    converted: Any = None


def place_of(function: Callable[..., Any]) -> str:
    """Where a function is written, for messages."""
    name = getattr(function, "__name__", type(function).__name__)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', name)}"


def read_hints(subject: Subject) -> dict[str, Any]:
    """The types of the parameters and of the result; raises `AnnotationUnresolved`."""
    try:
        return typing.get_type_hints(subject.handler, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        raise AnnotationUnresolved(subject=subject, handler=subject.place, reason=error) from error


def read_parameters(subject: Subject, hints: Mapping[str, Any] | None = None) -> tuple[Parameter, ...]:
    """The parameters of a handler, in their order; raises a `HandlerError` for one that cannot be filled."""
    hints = read_hints(subject) if hints is None else hints
    declared = inspect.signature(subject.handler).parameters.values()
    return tuple(_parameter(subject, each, hints) for each in declared)


def by_position(function: Callable[..., Any], parameters: tuple[Parameter, ...]) -> Callable[..., Any]:
    """The function, to be called with all its arguments in the order of its parameters."""
    if not any(parameter.keyword_only for parameter in parameters):
        return function
    names = tuple(parameter.name for parameter in parameters)
    return lambda *arguments: function(**dict(zip(names, arguments, strict=True)))


def written(annotation: Any) -> str:
    """A type as a person wrote it."""
    plain = isinstance(annotation, type) and not typing.get_args(annotation)
    return annotation.__name__ if plain else str(annotation).replace("typing.", "")


def _parameter(subject: Subject, declared: inspect.Parameter, hints: Mapping[str, Any]) -> Parameter:
    if declared.kind in _VARIADIC:
        mend = "Name each parameter; a route takes `request: Request` for whatever else there is."
        raise ParameterUnbound(
            subject=subject, handler=subject.place, parameter=str(declared).partition(":")[0], kind="any", mend=mend
        )
    if declared.name not in hints:
        raise AnnotationMissing(
            subject=subject,
            handler=subject.place,
            what=f"the parameter `{declared.name}`",
            mend=f"Write `{declared.name}: int`, say; the type decides where the value comes from.",
        )
    annotation, marker = _split_marker(hints[declared.name])
    return Parameter(
        name=declared.name,
        annotation=annotation,
        marker=marker,
        default=declared.default,
        keyword_only=declared.kind is inspect.Parameter.KEYWORD_ONLY,
    )


def _split_marker(annotation: Any) -> tuple[Any, Marker | None]:
    """The type and its marker; a bare class stands for a marker without arguments."""
    if typing.get_origin(annotation) is not Annotated:
        return annotation, None
    kind, *extras = typing.get_args(annotation)
    marker, kept = None, []
    for extra in extras:
        if isinstance(extra, Marker):
            marker = extra
        elif isinstance(extra, type) and issubclass(extra, Marker):
            marker = extra()
        else:
            kept.append(extra)
    return (Annotated[(kind, *kept)] if kept else kind), marker
