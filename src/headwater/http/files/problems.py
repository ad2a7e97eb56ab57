"""The problems of object storage errors."""

from typing import Final

from headwater.http.message import problemtype as types
from headwater.http.message.problem import Problem
from headwater.http.step.problems import Problems, retry_after
from headwater.objects import NoObject, StoreFull, StoreUnavailable, UploadExpired

_STORAGE_RETRY_SECONDS: Final = 5.0


def _no_object(error: NoObject) -> Problem:
    return Problem(404, detail="There is no such file.")


def _upload_expired(error: UploadExpired) -> Problem:
    return types.UPLOAD_EXPIRED.problem("The upload was committed too late and has been deleted.")


def _store_unavailable(error: StoreUnavailable) -> Problem:
    return types.STORAGE_UNAVAILABLE.problem(
        "The object storage is not available.", retry_after(_STORAGE_RETRY_SECONDS)
    )


def _store_full(error: StoreFull) -> Problem:
    return types.STORAGE_FULL.problem("The object storage has no space for this file.")


OBJECT_PROBLEMS: Final = (
    Problems(NoObject, _no_object),
    Problems(UploadExpired, _upload_expired),
    Problems(StoreUnavailable, _store_unavailable),
    Problems(StoreFull, _store_full),
)
