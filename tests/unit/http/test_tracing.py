"""Request identifiers and traces."""

import pytest

from headwater.http.message.request import Request
from headwater.http.message.tracing import new_id, request_id_of, traceparent_of
from tests.unit.http.support import request_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def request_with(*fields: tuple[bytes, bytes]) -> Request:
    return request_of({"method": "GET", "path": "/", "headers": list(fields)})


def test_identifiers_are_hexadecimal_and_never_repeat() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(each) == 32 and int(each, 16) for each in ids)


@pytest.mark.parametrize("header", [PARENT, f"00-{TRACE}-b7ad6b7169203331-00", f"cc-{TRACE}-b7ad6b7169203331-01-more"])
def test_a_valid_traceparent_is_taken_as_the_version_known_here_writes_it(header: str) -> None:
    assert traceparent_of(header.encode()) == f"00{header[2:55]}"


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        PARENT.upper(),
        PARENT + "-",
        PARENT + "-00",
        PARENT + " ",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-b7ad6b7169203331-01",
        f"cc-{TRACE}-b7ad6b7169203331-01more",
    ],
)
def test_an_invalid_traceparent_is_no_trace(header: str) -> None:
    assert traceparent_of(header.encode()) is None


@pytest.mark.parametrize("given", ["a", "req-1.2_3", "x" * 64])
def test_a_request_identifier_that_fits_is_kept(given: str) -> None:
    assert request_id_of(given.encode()) == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "ü", "a\nb", "<script>"])
def test_a_request_identifier_that_does_not_fit_is_not_repeated(given: str) -> None:
    assert request_id_of(given.encode()) is None


def test_without_headers_one_identifier_serves_for_both() -> None:
    request = request_with()
    assert request.id == request.trace


def test_within_a_trace_each_request_has_its_own_identifier() -> None:
    request = request_with((b"traceparent", PARENT.encode()))
    assert (request.trace, request.traceparent) == (TRACE, PARENT)
    assert request.id != TRACE


def test_a_request_without_a_trace_begins_one_that_stays() -> None:
    request = request_with()
    assert traceparent_of(request.traceparent.encode()) == request.traceparent
    assert request.traceparent[3:35] == request.trace
    assert request.traceparent == request.traceparent


def test_the_clients_identifier_does_not_become_the_trace() -> None:
    request = request_with((b"x-request-id", b"mine"))
    assert request.id == "mine"
    assert len(request.trace) == 32


def test_two_traceparents_are_as_good_as_none() -> None:
    request = request_with((b"traceparent", PARENT.encode()), (b"traceparent", PARENT.encode()))
    assert request.trace != TRACE
