"""An app: a named group of routes and handlers."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.binding.verbs import BindingVerbs
from headwater.consumer.verbs import ConsumerVerbs
from headwater.db import Source
from headwater.errors import HeadwaterError
from headwater.http.verbs import HttpVerbs

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_PREFIX = re.compile(r"(/[\w.~!$&'()*+,;=:@-]+)*", re.ASCII)


class AppError(HeadwaterError):
    """The backend is misconfigured."""


class BadName(AppError):
    """{name!r} is not a valid app name: use lower-case letters, digits and underscores, beginning with a letter, at
    most 40; `headwater` and names beginning with `pg_` are reserved."""


class BadPrefix(AppError):
    """{prefix!r} is not a valid prefix of routes. An example: "/shop", without a slash at the end."""


class App(HttpVerbs, ConsumerVerbs, BindingVerbs):
    """A named group of routes and handlers with its own PostgreSQL schema and migrations.

    The decorators record a function and return it unchanged, so a test can call it directly. `migrations` is a folder
    beside the module that creates the app; an app without that folder has no tables of its own. `schema` defaults to
    the app's name. `prefix` is prepended to the paths of all its routes. `description` is its description in the
    OpenAPI document. Raises `BadName` for a name that cannot be a schema, and `BadPrefix`.
    """

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        schema: str | None = None,
        migrations: Path | str = "migrations",
        prefix: str = "",
    ) -> None:
        for word in (name, schema or name):
            if _NAME.fullmatch(word) is None or word == "headwater" or word.startswith("pg_"):
                raise BadName(name=word)
        if _PREFIX.fullmatch(prefix) is None:
            raise BadPrefix(prefix=prefix)
        super().__init__(name)
        self.description = description
        self.prefix = prefix
        self.source = Source(name, schema or name, _folder_of_module(sys._getframe(1).f_globals) / migrations)
        if self.source.folder.is_dir():
            self.declare(self.source)


def _folder_of_module(names: Mapping[str, Any]) -> Path:
    file = names.get("__file__")
    return Path(file).resolve().parent if file else Path.cwd()
