"""What is shown without running anything: the OpenAPI document, the settings."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    import msgspec


def openapi(*, app: Annotated[str | None, Parameter(name="--app")] = None) -> None:
    """Print the OpenAPI 3.1 document of the backend.

    Parameters
    ----------
    app
        The backend, as module:name.
    """
    import msgspec

    from headwater.supervisor.locate import find_reference, load_backend

    document = load_backend(find_reference(app)).openapi()
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def settings() -> None:
    """Print every setting, those of the backend's parts included: its variable, its current value, and its meaning."""
    from headwater.cli.output import print_table
    from headwater.cli.own import own_settings_of_parts
    from headwater.settings import PREFIX, read_settings

    rows = _rows(read_settings(), PREFIX)
    for found, prefix in own_settings_of_parts():
        rows += _rows(found, prefix)
    print_table(("variable", "value", "meaning"), rows)


def _rows(found: "msgspec.Struct", prefix: str) -> list[tuple[Any, ...]]:
    import msgspec

    from headwater.engines.address import shown_host
    from headwater.settings import variable_of, written

    rows: list[tuple[Any, ...]] = []
    for field in msgspec.structs.fields(type(found)):
        value = getattr(found, field.name)
        shown = shown_host(value) if value is not None and field.name.endswith("_url") else value
        if field.name.startswith("secret") or field.name.endswith("secret_key"):
            shown = "(set)" if value else None
        shown = written(shown) if isinstance(shown, tuple) else shown
        rows.append((variable_of(field.name, prefix), shown, _description(field.type)))
    return rows


def _description(kind: Any) -> str:
    """Of ``Annotated[…, Meta(description=…)]``."""
    marks = getattr(kind, "__metadata__", ())
    return next((mark.description for mark in marks if getattr(mark, "description", None)), "")
