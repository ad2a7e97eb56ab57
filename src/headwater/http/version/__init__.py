"""Versions of an API: naming, conversion, retirement."""

from headwater.http.version.converter import Converter
from headwater.http.version.declaration import Deprecated, Versions
from headwater.http.version.edition import Edition, compile_editions, refuse_versions
from headwater.http.version.errors import VersionError
from headwater.http.version.router import VersionRouter

__all__ = [
    "Converter",
    "Deprecated",
    "Edition",
    "VersionError",
    "VersionRouter",
    "Versions",
    "compile_editions",
    "refuse_versions",
]
