"""The listening socket."""

import socket

import pytest

from headwater.settings import Settings
from headwater.supervisor.errors import AddressUnusable, PortInUse
from headwater.supervisor.listen import metrics_port, open_listener, url_of


def test_port_zero_takes_a_free_one_and_the_url_says_which() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_all_addresses_are_shown_as_one_that_works_here() -> None:
    with open_listener("0.0.0.0", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_ipv6_is_written_in_brackets() -> None:
    try:
        listener = open_listener("::1", 0)
    except AddressUnusable:
        pytest.skip("no IPv6 here")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")


def test_a_port_in_use_is_named() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} on 127.0.0.1 is in use"):
            open_listener("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(AddressUnusable, match=r"192\.0\.2\.1"):
        open_listener("192.0.2.1", 0)


def test_a_waiting_connection_outlives_one_of_two_acceptors() -> None:
    """What the hand-down by descriptor is for."""
    with open_listener("127.0.0.1", 0) as listener:
        first = listener.dup()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            first.close()
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(b"x")
                assert client.recv(1) == b"x"


@pytest.mark.parametrize(
    ("port", "metrics", "served_at"),
    [
        (8000, None, 18000),
        (60000, None, 50000),
        (0, None, 0),
        (8000, 9100, 9100),
        (0, 9100, 9100),
        (8000, 0, None),
    ],
)
def test_the_metrics_stand_at_the_side_of_the_web_unless_told_otherwise(
    port: int, metrics: int | None, served_at: int | None
) -> None:
    assert metrics_port(Settings(port=port, metrics_port=metrics)) == served_at
