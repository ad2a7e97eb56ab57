"""An app: a named group of routes and handlers, as it declares them."""

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
    """{name!r} is not a name for an app: lower-case letters, digits and underscores, a letter first, at most 40;
    neither headwater nor pg_…, which are taken."""


class BadPrefix(AppError):
    """{prefix!r} is not a prefix for routes; one looks like "/shop", without a slash at its end."""


class App(HttpVerbs, ConsumerVerbs, BindingVerbs):
    """A named group of routes and handlers with its own PostgreSQL schema and migrations.

    The decorators record a function and return it unchanged, so that a test can call it like any other. `migrations`
    is a folder beside the module that makes the app; an app without that folder has no tables of its own. `schema` is
    by default the app's name. `prefix` stands before the paths of all its routes. `description` says in the
    documentation what the app is for. Raises `BadName` for a name that cannot be a schema, and `BadPrefix`.
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
