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
    """What a handler was declared for. Its string appears in messages: ``GET /orders``, ``the consumer a.b``."""

    @property
    def handler(self) -> Callable[..., Any]: ...

    @property
    def location(self) -> str:
        """Where the handler is defined, for messages."""
        ...

    @property
    def writes(self) -> bool:
        """Whether it writes in a transaction; reads outside that transaction would not see its writes."""
        ...


class Marker:
    """Marks where a parameter's value comes from, where its type alone does not say it: ``Annotated[str,
    Header()]``."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter; `annotation` is its type without the marker.

    With `convert` it is read as `annotation` and then converted to the type `converted`.
    """

    name: str
    annotation: Any
    marker: Marker | None = None
    default: Any = MISSING
    keyword_only: bool = False
    convert: Callable[[Any], Any] | None = None
    converted: Any = None


def location_of(function: Callable[..., Any]) -> str:
    """The module and qualified name of a function, for messages."""
    name = getattr(function, "__name__", type(function).__name__)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', name)}"


def read_hints(subject: Subject) -> dict[str, Any]:
    """The types of the parameters and of the result; raises `AnnotationUnresolved`."""
    try:
        return typing.get_type_hints(subject.handler, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        raise AnnotationUnresolved(subject=subject, handler=subject.location, reason=error) from error


def read_parameters(subject: Subject, hints: Mapping[str, Any] | None = None) -> tuple[Parameter, ...]:
    """The parameters of a handler, in their order; raises a `HandlerError` for a variadic or unannotated one."""
    hints = read_hints(subject) if hints is None else hints
    declared = inspect.signature(subject.handler).parameters.values()
    return tuple(_parameter(subject, each, hints) for each in declared)


def by_position(function: Callable[..., Any], parameters: tuple[Parameter, ...]) -> Callable[..., Any]:
    """The function, called with positional arguments in the order of its parameters."""
    if not any(parameter.keyword_only for parameter in parameters):
        return function
    names = tuple(parameter.name for parameter in parameters)
    return lambda *arguments: function(**dict(zip(names, arguments, strict=True)))


def written(annotation: Any) -> str:
    """A type as it is written in code."""
    plain = isinstance(annotation, type) and not typing.get_args(annotation)
    return annotation.__name__ if plain else str(annotation).replace("typing.", "")


def _parameter(subject: Subject, declared: inspect.Parameter, hints: Mapping[str, Any]) -> Parameter:
    if declared.kind in _VARIADIC:
        fix = "Name each parameter; a route can take `request: Request` for everything else."
        raise ParameterUnbound(
            subject=subject, handler=subject.location, parameter=str(declared).partition(":")[0], kind="any", fix=fix
        )
    if declared.name not in hints:
        raise AnnotationMissing(
            subject=subject,
            handler=subject.location,
            what=f"the parameter `{declared.name}`",
            fix=f"Write `{declared.name}: int`, for example; the type decides where the value comes from.",
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
    """The type and its marker; a marker's class alone is a marker without arguments."""
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
