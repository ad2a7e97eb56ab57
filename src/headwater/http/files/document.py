"""Files in the document: uploads as request bodies, downloads as responses."""

from typing import Any, Final

from headwater.http.files.facts import Downloads, TakesUpload
from headwater.http.message.problem import phrase_of
from headwater.http.step.description import Description, refer_to
from headwater.http.step.operation import Operation

_BYTES: Final[dict[str, Any]] = {"*/*": {"schema": {}}}
_FORM: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
        "additionalProperties": {"type": "string", "maxLength": 4096},
    },
    "example": {"file": "the bytes of the file"},
}
_DOWNLOADED: Final = {
    "ETag": "ETag",
    "Content-Disposition": "ContentDisposition",
    "Accept-Ranges": "AcceptRanges",
    "Repr-Digest": "ReprDigest",
}
_PART: Final = {"Content-Range": "ContentRange"}


def describe_files(operation: Operation) -> Description:
    """The request body of an upload, and the responses of a download."""
    taken, downloads = operation.fact(TakesUpload), operation.fact(Downloads)
    return Description(
        members={} if taken is None else {"requestBody": _body(taken)},
        content={} if downloads is None else _BYTES,
        headers={} if downloads is None else _DOWNLOADED,
        responses={} if downloads is None else _parts(),
        statuses=() if downloads is None else (404, 412, 416, 503),
    )


def _body(taken: TakesUpload) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {"schema": {}} for kind in taken.media_types or ("*/*",)}
    return {"required": True, "content": {**content, "multipart/form-data": _FORM}}


def _parts() -> dict[str, Any]:
    """The other responses of a download: a part of the file, or 304."""
    headers = refer_to({"X-Request-Id": "RequestId", **_DOWNLOADED})
    part = {"description": phrase_of(206), "content": _BYTES, "headers": headers | refer_to(_PART)}
    return {"206": part, "304": {"description": phrase_of(304), "headers": refer_to({"ETag": "ETag"})}}
