"""Headers in the document: each is described once, and responses refer to it."""

from typing import Any, Final

HEADERS: Final[dict[str, Any]] = {
    "RequestId": {
        "description": "Identifies this request in the logs; the client's own if it sent a valid one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
        "example": "4bf92f3577b34da6a3ce929d0e0e4736",
    },
    "Location": {
        "description": "Where the resource is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": "The pages around this one: rel next, prev and first (RFC 8288).",
        "schema": {"type": "string"},
        "example": '</people?sort=-born&cursor=AQIDBA>; rel="next", </people?sort=-born>; rel="first"',
    },
    "IdempotentReplayed": {
        "description": "True if this is the stored response to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RetryAfter": {
        "description": "Seconds to wait before a retry.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "RateLimitPolicy": {
        "description": "The limits: the quota `q` of each policy in a window of `w` seconds.",
        "schema": {"type": "string"},
        "example": '"burst";q=100;w=60',
    },
    "RateLimit": {
        "description": "What remains: `r` requests now; in `t` seconds all, or the refused one.",
        "schema": {"type": "string"},
        "example": '"burst";r=50;t=30',
    },
    "WWWAuthenticate": {
        "description": "Which credential is required (RFC 9110 section 11.6.1).",
        "schema": {"type": "string"},
        "example": 'Bearer realm="shop", error="invalid_token"',
    },
    "Allow": {
        "description": "The methods that the path has.",
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "AcceptPost": {
        "description": "The accepted media types of a body.",
        "schema": {"type": "string"},
        "example": "application/json",
    },
    "ETag": {
        "description": "Identifies this state of the resource.",
        "schema": {"type": "string"},
        "example": '"7"',
    },
    "LastModified": {
        "description": "When the resource last changed.",
        "schema": {"type": "string"},
        "example": "Fri, 02 Jan 2026 03:04:05 GMT",
    },
    "CacheControl": {
        "description": "Who may store the response, and for how long (RFC 9111).",
        "schema": {"type": "string"},
        "example": "private, no-cache",
    },
    "ContentDisposition": {
        "description": "Whether a browser may show the file, and its name.",
        "schema": {"type": "string"},
        "example": 'attachment; filename="report.pdf"',
    },
    "AcceptRanges": {
        "description": "A part of the file can be requested with Range.",
        "schema": {"type": "string", "enum": ["bytes"]},
    },
    "ContentRange": {
        "description": "Which part this is, of how many bytes.",
        "schema": {"type": "string"},
        "example": "bytes 0-1023/146515",
    },
    "ReprDigest": {
        "description": "The SHA-256 of the whole file (RFC 9530), where it is known.",
        "schema": {"type": "string"},
        "example": "sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:",
    },
}
"""By the name under ``#/components/headers``."""
