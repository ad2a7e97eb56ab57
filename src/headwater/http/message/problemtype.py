"""The kinds of problem that need a name, because a client must tell them from others of the same status.

All other problems have the type ``about:blank``: the status says everything.
"""

from typing import Any, Final

import msgspec

from headwater.http.message.problem import Problem

PREFIX: Final = "urn:headwater:problem:"
IANA: Final = "https://iana.org/assignments/http-problem-types#"
"""The registry of types that are everybody's (RFC 9457 section 4.2)."""


class Kind(msgspec.Struct, frozen=True):
    """A type of problem; `meaning` is for the documentation. `uri` is ours unless a registry has one."""

    name: str
    status: int
    title: str
    meaning: str
    registered: str | None = None
    """The URI of a type that is not ours."""

    @property
    def uri(self) -> str:
        return self.registered or PREFIX + self.name

    def problem(self, detail: str, headers: dict[str, str] | None = None, **extensions: Any) -> Problem:
        return Problem(self.status, self.title, detail, self.uri, headers, **extensions)


MALFORMED_BODY: Final = Kind(
    "malformed-body",
    400,
    "The body is malformed",
    "The body is no JSON, is empty, or is nested too deeply. `offset` is the byte where reading stopped.",
)
MALFORMED_TARGET: Final = Kind(
    "malformed-target",
    400,
    "The target is malformed",
    "The path or the query string is no percent-encoded UTF-8, or has too many parameters.",
)
CURSOR_INVALID: Final = Kind(
    "cursor-invalid",
    400,
    "The cursor is invalid",
    "It was altered, has expired, or belongs to another list, order, filter or tenant. Begin with the first page.",
)
CREDENTIALS_CLASH: Final = Kind(
    "credentials-clash",
    400,
    "Two credentials contradict each other",
    "The request has the credentials of two principals. Send those of one.",
)
KEY_MISSING: Final = Kind(
    "idempotency-key-missing",
    400,
    "Idempotency-Key is missing",
    "This operation needs an Idempotency-Key header, so that it can be repeated safely.",
)
KEY_INVALID: Final = Kind(
    "idempotency-key-invalid",
    400,
    "Idempotency-Key is invalid",
    "The Idempotency-Key is no structured-field string, empty, longer than 255 characters, or given twice.",
)
VERSION_MISSING: Final = Kind(
    "version-missing",
    400,
    "The request names no version",
    "This API wants each request to say which of its `versions` it was written for.",
)
VERSION_UNKNOWN: Final = Kind(
    "version-unknown",
    400,
    "There is no such version",
    "The request names a version that is none of `versions`: a 404 in a path, 406 in Accept, 415 in Content-Type.",
)
DIGEST_UNSUPPORTED: Final = Kind(
    "digest-unsupported-algorithms",
    400,
    "Unsupported Hashing Algorithms",
    "A digest field has neither sha-256 nor sha-512; `unsupported-algorithms` lists what it has.",
    IANA + "digest-unsupported-algorithms",
)
DIGEST_INVALID: Final = Kind(
    "digest-invalid-values",
    400,
    "Invalid Digest Values",
    "A digest cannot be one of its algorithm; `invalid-digests` says which and why.",
    IANA + "digest-invalid-values",
)
DIGEST_MISMATCHED: Final = Kind(
    "digest-mismatched-values",
    400,
    "Mismatched Digest Values",
    "The bytes that arrived have another digest than the request says; `mismatched-digests` lists which.",
    IANA + "digest-mismatched-values",
)
VERSION_CONFLICT: Final = Kind(
    "version-conflict",
    400,
    "The request names two versions",
    "What the path, the media type, the header and the query string say about the version has to agree.",
)
CROSS_SITE: Final = Kind(
    "cross-site-request",
    403,
    "The request may come from another site",
    "A request that changes something under a session cookie comes from our own page, with its X-CSRF-Token.",
)
INSUFFICIENT_SCOPE: Final = Kind(
    "insufficient-scope",
    403,
    "The credential does not allow this",
    "It is known who asks, but the credential lacks one of `scopes`.",
)
CONFLICT: Final = Kind(
    "conflict",
    409,
    "Another resource stands in the way",
    "The request contradicts what is stored, for example a value that must be unique.",
)
STILL_REFERENCED: Final = Kind(
    "still-referenced",
    409,
    "The resource is still referenced",
    "Other resources refer to this one.",
)
RULE_BROKEN: Final = Kind(
    "rule-broken",
    409,
    "A rule of the data is broken",
    "What is stored may not have the values that the request would give it.",
)
KEY_IN_FLIGHT: Final = Kind(
    "idempotency-key-in-flight",
    409,
    "A request with this Idempotency-Key is at work",
    "Send the same request again after the seconds in Retry-After.",
)
VERSION_GONE: Final = Kind(
    "version-gone",
    410,
    "The version is not served any more",
    "Its sunset has passed. `successor` is the version to use; the links lead to it, and to what to do.",
)
UPLOAD_EXPIRED: Final = Kind(
    "upload-expired",
    409,
    "The upload has expired",
    "Too much time passed between the upload and its commit, so it was given up. Send it again.",
)
INVALID_REQUEST: Final = Kind(
    "invalid-request",
    422,
    "The request is invalid",
    "`errors` lists every fault: with `pointer` into the body, or with `parameter` and `in` (query or header).",
)
REFERENCE_MISSING: Final = Kind(
    "reference-missing",
    422,
    "A referenced resource does not exist",
    "The request refers to something that does not exist.",
)
VALUE_UNSTORABLE: Final = Kind(
    "value-unstorable",
    422,
    "A value cannot be stored",
    "A value is out of the range, or longer, than can be stored.",
)
KEY_REUSED: Final = Kind(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key was used for another request",
    "A key stands for one request. Use a new key for a new request.",
)
QUOTA_EXCEEDED: Final = Kind(
    "quota-exceeded",
    429,
    "Request cannot be satisfied as assigned quota has been exceeded",
    "`violated-policies` names the limits; Retry-After says when the next request is let through.",
    IANA + "quota-exceeded",
)
DATABASE_UNAVAILABLE: Final = Kind(
    "unavailable",
    503,
    "Temporarily unavailable",
    "Try again after the seconds in Retry-After.",
)
REDUCED_CAPACITY: Final = Kind(
    "temporary-reduced-capacity",
    503,
    "Request cannot be satisfied due to temporary server capacity constraints",
    "There is no room for the request, and nothing was done. Try again after the seconds in Retry-After.",
    IANA + "temporary-reduced-capacity",
)
NOT_READY: Final = Kind(
    "not-ready",
    503,
    "Not ready for requests",
    "The process is starting or draining, or lacks something that it depends on, which `missing` names.",
)
CONTENTION: Final = Kind(
    "contention",
    503,
    "Too many requests want the same thing",
    "The request lost against concurrent ones and did nothing. Try again after the seconds in Retry-After.",
)
STORAGE_UNAVAILABLE: Final = Kind(
    "storage-unavailable",
    503,
    "The object storage is not available",
    "Files cannot be stored or read at this moment. Try again after the seconds in Retry-After.",
)
OUTCOME_UNKNOWN: Final = Kind(
    "outcome-unknown",
    503,
    "It is unknown whether the request took effect",
    "The connection to the database broke while committing. With an Idempotency-Key, sending it again is safe.",
)
DEADLINE_PASSED: Final = Kind(
    "deadline-passed",
    504,
    "The request took too long",
    "It was stopped after `deadline` seconds: those of the operation, or of the request's own Request-Timeout.",
)
STORAGE_FULL: Final = Kind(
    "storage-full",
    507,
    "The object storage is full",
    "There is no room for the file. Nothing of it was kept.",
)

KINDS: Final = (
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
