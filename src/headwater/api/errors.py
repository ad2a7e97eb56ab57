"""The errors of reading and comparing OpenAPI documents."""

from headwater.errors import HeadwaterError


class ApiError(HeadwaterError):
    """The OpenAPI document cannot be used."""


class NothingToCompare(ApiError):
    """{reason}: name a recorded document, two documents, or a version with --from."""


class DocumentUnreadable(ApiError):
    """The document {path} cannot be read: {reason}."""


class DocumentInvalid(ApiError):
    """{source} is not an OpenAPI 3 document: {reason}."""


class ReferenceUnresolved(ApiError):
    """The document refers to {reference!r}, which does not exist in it."""


class DeclarationsInvalid(ApiError):
    """{path}: {reason}. A breaking change is declared as [[breaking]] with operation, what and why."""
