"""Errors of declared versions, raised at the start and never to a client.

::

    HttpError
     └─ VersionError
         ├─ VersionsInvalid     the versions themselves
         ├─ VersionsMissing     routes or converters speak of versions, and the backend has none
         ├─ ConverterInvalid    a converter whose signature does not say what it converts
         ├─ ConverterUnused     a converter for a type that nothing asks for
         ├─ ConvertersClash     two converters for one type
         └─ ConversionUnclear   a type whose older form cannot be derived
"""

from headwater.http.route.errors import HttpError


class VersionError(HttpError):
    """The versions of the API are invalid."""


class VersionsInvalid(VersionError):
    """Versions({names}): {reason}."""


class VersionsMissing(VersionError):
    """{what} names version {version!r}, but the backend has no versions. Declare them: Backend(…,
    versions=Versions("1", "2"))."""


class ConverterInvalid(VersionError):
    """@app.{direction}({version!r}) {location}: {reason}. {fix}"""


class ConverterUnused(VersionError):
    """@app.{direction}({version!r}) {location}: no {where} of version {newer!r} contains {kind}. Convert between
    adjacent versions only."""


class ConvertersClash(VersionError):
    """@app.{direction}({version!r}): {first} and {second} both convert {kind}."""


class ConversionUnclear(VersionError):
    """The older form of {kind} cannot be derived, because {reason}. Declare a converter for it."""
