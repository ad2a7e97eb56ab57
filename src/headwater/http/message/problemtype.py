"""Problem types: the problems that need a name, because clients must tell them from others of the same status.

All other problems have the type ``about:blank``: their status says everything.
"""

from typing import Any, Final

import msgspec

from headwater.http.message.problem import Problem

PREFIX: Final = "urn:headwater:problem:"
IANA: Final = "https://iana.org/assignments/http-problem-types#"
"""The registry of common problem types (RFC 9457 section 4.2)."""


class ProblemType(msgspec.Struct, frozen=True):
    """A type of problem. `meaning` is for the documentation. `uri` is ours unless a registry has one."""

    name: str
    status: int
    title: str
    meaning: str
    registered: str | None = None
    """The URI of a type from the registry."""

    @property
    def uri(self) -> str:
        return self.registered or PREFIX + self.name

    def problem(self, detail: str, headers: dict[str, str] | None = None, **extensions: Any) -> Problem:
        return Problem(self.status, self.title, detail, self.uri, headers, **extensions)


MALFORMED_BODY: Final = ProblemType(
    "malformed-body",
    400,
    "The body is malformed",
    "The body is not JSON, is empty, or is nested too deeply. `offset` is the byte at which decoding stopped.",
)
MALFORMED_TARGET: Final = ProblemType(
    "malformed-target",
    400,
    "The target is malformed",
    "The path or the query string is not percent-encoded UTF-8, or has too many parameters.",
)
CURSOR_INVALID: Final = ProblemType(
    "cursor-invalid",
    400,
    "The cursor is invalid",
    "It was altered, has expired, or belongs to another list, order, filter or tenant. Start at the first page.",
)
CREDENTIALS_CLASH: Final = ProblemType(
    "credentials-clash",
    400,
    "The request has credentials of two principals",
    "The credentials in one request must all belong to one principal. Send one of them.",
)
KEY_MISSING: Final = ProblemType(
    "idempotency-key-missing",
    400,
    "Idempotency-Key is missing",
    "This operation requires an Idempotency-Key header, so that it can be retried safely.",
)
KEY_INVALID: Final = ProblemType(
    "idempotency-key-invalid",
    400,
    "Idempotency-Key is invalid",
    "The Idempotency-Key is not a structured-field string, is empty, is longer than 255 characters, or is given twice.",
)
VERSION_MISSING: Final = ProblemType(
    "version-missing",
    400,
    "The request names no version",
    "Each request must name one of `versions`.",
)
VERSION_UNKNOWN: Final = ProblemType(
    "version-unknown",
    400,
    "There is no such version",
    "The request names a version that is not among `versions`: 404 in the path, 406 in Accept, 415 in Content-Type.",
)
DIGEST_UNSUPPORTED: Final = ProblemType(
    "digest-unsupported-algorithms",
    400,
    "Unsupported Hashing Algorithms",
    "A digest field has neither sha-256 nor sha-512; `unsupported-algorithms` lists what it has.",
    IANA + "digest-unsupported-algorithms",
)
DIGEST_INVALID: Final = ProblemType(
    "digest-invalid-values",
    400,
    "Invalid Digest Values",
    "A digest does not have the form of its algorithm; `invalid-digests` says which and why.",
    IANA + "digest-invalid-values",
)
DIGEST_MISMATCHED: Final = ProblemType(
    "digest-mismatched-values",
    400,
    "Mismatched Digest Values",
    "The bytes that arrived do not have the digest that the request declares; `mismatched-digests` lists which.",
    IANA + "digest-mismatched-values",
)
VERSION_CONFLICT: Final = ProblemType(
    "version-conflict",
    400,
    "The request names two versions",
    "The path, the media type, the header and the query string must name the same version.",
)
CROSS_SITE: Final = ProblemType(
    "cross-site-request",
    403,
    "The request may come from another site",
    "A request that changes something with a session cookie must come from our own page, with its X-CSRF-Token.",
)
INSUFFICIENT_SCOPE: Final = ProblemType(
    "insufficient-scope",
    403,
    "The credential does not allow this",
    "The request is authenticated, but its credential lacks one of `scopes`.",
)
CONFLICT: Final = ProblemType(
    "conflict",
    409,
    "The request conflicts with another resource",
    "The request contradicts stored data, for example by repeating a value that must be unique.",
)
STILL_REFERENCED: Final = ProblemType(
    "still-referenced",
    409,
    "The resource is still referenced",
    "Other resources refer to this one.",
)
RULE_BROKEN: Final = ProblemType(
    "rule-broken",
    409,
    "A constraint is violated",
    "The stored data does not allow these values.",
)
KEY_IN_FLIGHT: Final = ProblemType(
    "idempotency-key-in-flight",
    409,
    "A request with this Idempotency-Key is in progress",
    "Send the same request again after the seconds in Retry-After.",
)
VERSION_GONE: Final = ProblemType(
    "version-gone",
    410,
    "The version is no longer served",
    "Its sunset has passed. `successor` is the version to use; the links lead to it and to instructions.",
)
UPLOAD_EXPIRED: Final = ProblemType(
    "upload-expired",
    409,
    "The upload has expired",
    "Too much time passed between the upload and its commit, so it was deleted. Send it again.",
)
INVALID_REQUEST: Final = ProblemType(
    "invalid-request",
    422,
    "The request is invalid",
    "`errors` lists every error: with `pointer` into the body, or with `parameter` and `in` (query or header).",
)
REFERENCE_MISSING: Final = ProblemType(
    "reference-missing",
    422,
    "A referenced resource does not exist",
    "The request refers to something that does not exist.",
)
VALUE_UNSTORABLE: Final = ProblemType(
    "value-unstorable",
    422,
    "A value cannot be stored",
    "A value is out of range or too long.",
)
KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key was used for another request",
    "A key belongs to one request. Use a new key for a new request.",
)
QUOTA_EXCEEDED: Final = ProblemType(
    "quota-exceeded",
    429,
    "Request cannot be satisfied as assigned quota has been exceeded",
    "`violated-policies` names the limits; Retry-After says when the next request is allowed.",
    IANA + "quota-exceeded",
)
DATABASE_UNAVAILABLE: Final = ProblemType(
    "unavailable",
    503,
    "Temporarily unavailable",
    "Retry after the seconds in Retry-After.",
)
REDUCED_CAPACITY: Final = ProblemType(
    "temporary-reduced-capacity",
    503,
    "Request cannot be satisfied due to temporary server capacity constraints",
    "The server has no capacity for the request. Nothing was done. Retry after the seconds in Retry-After.",
    IANA + "temporary-reduced-capacity",
)
NOT_READY: Final = ProblemType(
    "not-ready",
    503,
    "Not ready for requests",
    "The process is starting or draining, or a dependency is missing; `missing` names it.",
)
CONTENTION: Final = ProblemType(
    "contention",
    503,
    "The request conflicted with concurrent requests",
    "It had no effect. Retry after the seconds in Retry-After.",
)
STORAGE_UNAVAILABLE: Final = ProblemType(
    "storage-unavailable",
    503,
    "The object storage is not available",
    "Files cannot be stored or read now. Retry after the seconds in Retry-After.",
)
OUTCOME_UNKNOWN: Final = ProblemType(
    "outcome-unknown",
    503,
    "It is unknown whether the request took effect",
    "The connection to the database was lost during the commit. With an Idempotency-Key, a retry is safe.",
)
DEADLINE_PASSED: Final = ProblemType(
    "deadline-passed",
    504,
    "The request took too long",
    "It was cancelled after `deadline` seconds, the deadline of the operation or the request's Request-Timeout.",
)
STORAGE_FULL: Final = ProblemType(
    "storage-full",
    507,
    "The object storage is full",
    "There is no space for the file; nothing of it was stored.",
)

PROBLEM_TYPES: Final = (
    MALFORMED_BODY,
    MALFORMED_TARGET,
    CURSOR_INVALID,
    KEY_MISSING,
    KEY_INVALID,
    VERSION_MISSING,
    VERSION_UNKNOWN,
    VERSION_CONFLICT,
    DIGEST_UNSUPPORTED,
    DIGEST_INVALID,
    DIGEST_MISMATCHED,
    CREDENTIALS_CLASH,
    INSUFFICIENT_SCOPE,
    CROSS_SITE,
    CONFLICT,
    STILL_REFERENCED,
    RULE_BROKEN,
    KEY_IN_FLIGHT,
    VERSION_GONE,
    UPLOAD_EXPIRED,
    INVALID_REQUEST,
    REFERENCE_MISSING,
    VALUE_UNSTORABLE,
    KEY_REUSED,
    QUOTA_EXCEEDED,
    DATABASE_UNAVAILABLE,
    REDUCED_CAPACITY,
    NOT_READY,
    CONTENTION,
    STORAGE_UNAVAILABLE,
    OUTCOME_UNKNOWN,
    DEADLINE_PASSED,
    STORAGE_FULL,
)
