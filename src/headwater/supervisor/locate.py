"""Finds the backend to run: the one given, or the one that pyproject.toml names."""

import importlib
import os
import sys
import tomllib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError
from headwater.supervisor.errors import BackendNotFound, BackendUnnamed

if TYPE_CHECKING:
    from headwater.backend import Backend


def find_reference(reference: str | None = None, folder: Path | None = None) -> str:
    """The backend's ``module:name``: `reference` if given, else what `folder`'s pyproject.toml says.

    Raises `BackendUnnamed` when neither names one.
    """
    if reference is not None:
        return reference
    file = (folder or Path.cwd()) / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text())
    except FileNotFoundError:
        raise BackendUnnamed(file=file) from None
    except tomllib.TOMLDecodeError as error:
        raise BackendNotFound(reference="?", reason=f"{file} is not TOML: {error}") from None
    named = project.get("tool", {}).get("headwater", {}).get("backend")
    if not isinstance(named, str):
        raise BackendUnnamed(file=file)
    return named


def load_backend(reference: str, folder: Path | None = None) -> "Backend":
    """Import what `reference` names, with `folder` importable; raises `BackendNotFound` with the reason."""
    module_name, colon, attribute = reference.partition(":")
    if not (module_name and colon and attribute):
        raise BackendNotFound(reference=reference, reason="it should look like package.module:name")
    _make_importable(folder or Path.cwd())
    module = _import(reference, module_name)
    backend = getattr(module, attribute, None)
    if backend is None:
        raise BackendNotFound(reference=reference, reason=f"the module {module_name} has no {attribute!r}")
    from headwater.backend import Backend

    if not isinstance(backend, Backend):
        kind = type(backend).__name__
        raise BackendNotFound(reference=reference, reason=f"it is no Backend but a {kind}")
    return backend


def _make_importable(folder: Path) -> None:
    path = os.fspath(folder)
    if path not in sys.path:
        sys.path.insert(0, path)


def _import(reference: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except HeadwaterError as error:
        raise BackendNotFound(reference=reference, reason=str(error)) from error
    except Exception as error:
        raise BackendNotFound(reference=reference, reason=_reason(error, module_name)) from error


def _reason(error: Exception, module_name: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module_name}.".startswith(f"{error.name}."):
        return f"there is no module {error.name!r} in {Path.cwd()}"
    return f"{_location_of(error)}{type(error).__name__}: {error}"


def _location_of(error: Exception) -> str:
    """The location of the failure: the innermost frame that is neither import machinery nor Headwater."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = os.fspath(Path(__file__).parents[1])
    theirs = [f for f in frames if not f.filename.startswith(("<frozen", ours, os.path.dirname(importlib.__file__)))]
    return f"{os.path.relpath(theirs[-1].filename)}:{theirs[-1].lineno}: " if theirs else ""
