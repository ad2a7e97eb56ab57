"""What is shown without running anything: the OpenAPI document, the settings."""

from typing import Annotated, Any

from cyclopts import Parameter


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
    """Print every setting: its variable, its current value, and its meaning."""
    import msgspec

    from headwater.cli.output import print_table
    from headwater.engines.address import shown_host
    from headwater.settings import Settings, read_settings, written

    found = read_settings()
    rows = []
    for field in msgspec.structs.fields(Settings):
        value = getattr(found, field.name)
        shown = shown_host(value) if value is not None and field.name.endswith("_url") else value
        if field.name.startswith("secret") or field.name.endswith("secret_key"):
            shown = "(set)" if value else None
        shown = written(shown) if isinstance(shown, tuple) else shown
        rows.append((f"HEADWATER_{field.name.upper()}", shown, _description(field.type)))
    print_table(("variable", "value", "meaning"), rows)


def _description(kind: Any) -> str:
    """Of ``Annotated[…, Meta(description=…)]``."""
    marks = getattr(kind, "__metadata__", ())
    return next((mark.description for mark in marks if getattr(mark, "description", None)), "")
