"""The OpenAPI document: print it, compare it for breaking changes, generate a client from it."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options import AppOption

CHANGES = "changes.toml"


def show(
    *,
    version: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    app: AppOption = None,
) -> None:
    """Print the OpenAPI document of a version, or write it to a file.

    Parameters
    ----------
    version
        The version; by default the newest.
    output
        The file, such as openapi/v1.json.
    app
        The backend, as module:name.
    """
    text = _text(_backend(app).openapi(version))
    if output is None:
        print(text)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n")


def diff(
    old: Path | None = None,
    new: Path | None = None,
    *,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    changes: Path | None = None,
    json: bool = False,
    app: AppOption = None,
) -> None:
    """Compare two OpenAPI documents; exit status 1 if a change breaks clients.

    Either a recorded document with the code, two documents, or two versions of the backend. A breaking change is
    accepted once it is declared, with its reason, in the file of changes.

    Parameters
    ----------
    old
        The recorded document; without `new`, it is compared with the document of the same version from the code.
    new
        A document to compare with, instead of the code.
    from_
        A version of the backend, instead of `old`.
    to
        A version of the backend to compare with; by default that of `old`, or the newest.
    changes
        The file of declared changes; by default changes.toml beside `old`, if it exists.
    json
        Print the changes as JSON, one object per line.
    app
        The backend, as module:name.
    """
    from headwater.api import compare, judge, read_declared

    before, after = _documents(old, new, from_, to, app)
    declarations = changes or _beside(old)
    declared = read_declared(declarations) if declarations is not None else []
    found = compare(before, after)
    versions = before["info"].get("version"), after["info"].get("version")
    assessment = judge(found, declared, *versions)
    if json:
        _print_json(found, assessment)
    else:
        _print_changes(found, assessment, *versions)
    if assessment.undeclared:
        sys.exit(1)


def client(
    *,
    document: Path | None = None,
    version: str | None = None,
    sync: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    app: AppOption = None,
) -> None:
    """Generate a typed Python client of the API: one module that needs msgspec and httpx2.

    Parameters
    ----------
    document
        An OpenAPI document to read, instead of the backend's own.
    version
        The version; by default the newest.
    sync
        Generate a synchronous client instead of an async one.
    output
        The file, such as shop_client.py; by default it is printed.
    app
        The backend, as module:name.
    """
    from headwater.api import write_client

    text = write_client(_read(document) if document is not None else _backend(app).openapi(version), sync=sync)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text)


def _documents(old: Path | None, new: Path | None, version: str | None, to: str | None, app: str | None) -> Any:
    """The two documents to compare."""
    from headwater.api.errors import NothingToCompare

    if old is None and version is None:
        raise NothingToCompare(reason="There is nothing to compare")
    if old is not None and version is not None:
        raise NothingToCompare(reason=f"Both {old} and --from {version} were given to compare with")
    if old is not None and new is not None:
        return _read(old), _read(new)
    backend = _backend(app)
    before = _read(old) if old is not None else backend.openapi(version)
    return before, _read(new) if new is not None else _of_code(backend, before, to, old)


def _of_code(backend: Any, before: Any, to: str | None, old: Path | None) -> Any:
    """The document from the code, of version `to` or that of `before`; the oldest there is if that was removed."""
    if to is not None:
        return backend.openapi(to)
    names = backend.versions.names if backend.versions is not None else ()
    recorded = before.get("info", {}).get("version")
    if old is None or recorded in names:
        return backend.openapi(recorded if old is not None else None)
    return backend.openapi(names[0] if names else None)


def _print_changes(found: list[Any], assessment: Any, version: str | None, to: str | None) -> None:
    from headwater.api.declared import write_declaration
    from headwater.cli.output import print_table

    if found:
        kinds = {True: "BREAKING", False: "breaking, declared"}
        rows = [
            (kinds[each in assessment.undeclared] if each.breaking else "", each.operation, each.what, each.detail)
            for each in found
        ]
        print_table(("", "operation", "what", "detail"), sorted(rows, key=lambda row: row[0] == ""))
    else:
        print("No changes.")
    for stale in assessment.stale:
        print(f"\nDeclared, but no longer found: {stale.operation}: {stale.what}")
    if assessment.undeclared:
        print("\nIf this is intended, declare it, with the reason, in the file of changes:\n")
        print("\n\n".join(write_declaration(each, version, to) for each in assessment.undeclared))


def _print_json(found: list[Any], assessment: Any) -> None:
    from headwater.cli.output import print_json

    for each in found:
        print_json(
            {"what": each.what, "declared": each.breaking and each not in assessment.undeclared, **_members(each)}
        )
    for stale in assessment.stale:
        print_json({"stale": True, **_members(stale)})


def _members(struct: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(struct)


def _beside(old: Path | None) -> Path | None:
    found = old.parent / CHANGES if old is not None else None
    return found if found is not None and found.exists() else None


def _backend(app: str | None) -> Any:
    from headwater.supervisor.locate import find_reference, load_backend

    return load_backend(find_reference(app))


def _read(path: Path) -> Any:
    import msgspec

    from headwater.api.errors import DocumentInvalid, DocumentUnreadable

    try:
        document = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise DocumentUnreadable(path=path, reason=error.strerror) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentInvalid(source=path, reason=error) from error
    if not isinstance(document, dict) or "openapi" not in document or "info" not in document:
        raise DocumentInvalid(source=path, reason="`openapi` or `info` is missing")
    return document


def _text(document: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
