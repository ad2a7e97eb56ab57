"""What is wrong with declared versions, found when the backend is put together and never by a client.

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
    """The versions of the API are declared wrongly."""


class VersionsInvalid(VersionError):
    """Versions({names}): {reason}."""


class VersionsMissing(VersionError):
    """{what} speaks of version {version!r}, and the backend has none: Backend(…, versions=Versions("1", "2"))."""


class ConverterInvalid(VersionError):
    """@app.{direction}({version!r}) {place}: {reason}. {fix}"""


class ConverterUnused(VersionError):
    """@app.{direction}({version!r}) {place}: no {where} of version {newer!r} is or holds {kind}. Convert between what
    that version has and what version {version!r} had; versions are converted one by one."""


class ConvertersClash(VersionError):
    """@app.{direction}({version!r}): {first} and {second} both convert {kind}."""


class ConversionUnclear(VersionError):
    """The older form of {kind} cannot be derived, since {reason}. Declare a converter for it as well."""
