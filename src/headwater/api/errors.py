"""What keeps two documents from being compared."""

from headwater.errors import HeadwaterError


class ApiError(HeadwaterError):
    """The document of the API cannot be worked with."""


class NothingToCompare(ApiError):
    """{reason}: name a recorded document, two documents, or a version with --from."""


class DocumentUnreadable(ApiError):
    """The document {path} cannot be read: {reason}."""


class NoDocument(ApiError):
    """{source} is no OpenAPI 3 document: {reason}."""


class ReferenceUnresolved(ApiError):
    """The document refers to {reference!r}, which is not in it."""


class DeclarationsInvalid(ApiError):
    """{path}: {reason}. A breaking change is declared as [[breaking]] with operation, what and why."""
