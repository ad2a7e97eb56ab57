"""The server of /metrics: one path, for whoever reaches it, whatever the others do."""

import errno
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from headwater.observe import Metrics
from headwater.observe import server as serving
from headwater.observe.errors import FolderBusy, PortUnusable
from headwater.observe.server import Expose, MetricsServer, open_port, own_metrics
from tests.exposition import samples

TEXT = ("text/plain; version=0.0.4", b"# HELP a A.\n# TYPE a gauge\na 1.0\n")


@contextmanager
def served(expose: Expose = lambda accept: TEXT) -> Iterator[str]:
    listener = open_port("127.0.0.1", 0)
    server = MetricsServer(listener, expose)
    port = listener.getsockname()[1]
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def ask(url: str, method: str = "GET", **fields: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, method=method, headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def test_metrics_are_at_one_path() -> None:
    with served() as url:
        status, body, fields = ask(f"{url}/metrics?x=1")
        assert (status, body, fields["Content-Type"]) == (200, TEXT[1], TEXT[0])
        assert fields["Cache-Control"] == "no-store"
        assert fields["Server"] == "headwater"
        assert ask(f"{url}/metrics", "HEAD")[:2] == (200, b"")
        assert [ask(url + path)[0] for path in ("/", "/metrics/", "/livez")] == [404, 404, 404]
        status, _, fields = ask(f"{url}/metrics", "POST")
        assert (status, fields["Allow"]) == (405, "GET, HEAD")


def test_the_format_is_that_of_the_accept_header() -> None:
    metrics = Metrics()
    metrics.counter("a_total", "A.").add()
    with served(metrics.expose) as url:
        assert ask(f"{url}/metrics")[2]["Content-Type"].startswith("text/plain")
        _, body, fields = ask(f"{url}/metrics", Accept="application/openmetrics-text;version=1.0.0")
        assert fields["Content-Type"].startswith("application/openmetrics-text")
        assert body.endswith(b"# EOF\n")


def test_a_folder_that_stays_locked_is_told_and_not_waited_for() -> None:
    def busy(accept: str) -> tuple[str, bytes]:
        raise FolderBusy(folder="run/metrics", seconds=2.0)

    with served(busy) as url:
        status, body, _ = ask(f"{url}/metrics")
    assert (status, body.decode()) == (
        503,
        "run/metrics stayed locked for 2 seconds, so its measurements could not be read.\n",
    )


def test_clients_that_say_nothing_keep_nobody_out_until_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 3)
    with served() as url:
        port = int(url.rpartition(":")[2])
        with ExitStack() as silent:

            def connect() -> None:
                silent.enter_context(socket.create_connection(("127.0.0.1", port)))

            def is_full_with_another() -> bool:
                connect()
                return not is_answered(url)

            connect()
            connect()
            assert is_answered(url)
            eventually(is_full_with_another)
        eventually(lambda: is_answered(url))


def test_a_client_that_says_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving._Handler, "timeout", 0.05)
    with served() as url, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as silent:
        silent.settimeout(10)
        assert silent.recv(1) == b""


def test_many_ask_at_once_and_each_is_answered() -> None:
    with served() as url:
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(ask(f"{url}/metrics")[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [200] * 8


def test_the_port_is_free_again_afterwards() -> None:
    with served() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(PortUnusable, match=rf"port {port}: .*HEADWATER_METRICS_PORT") as caught:
            open_port("127.0.0.1", port)
        assert caught.value.reason == os.strerror(errno.EADDRINUSE)
    open_port("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(PortUnusable, match=r"192\.0\.2\.1, port 0"):
        open_port("192.0.2.1", 0)


def test_processes_without_a_supervisor_share_a_port_and_the_living_go_on_for_the_dead(tmp_path: Path) -> None:
    with open_port("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/metrics"
    with own_metrics("web", tmp_path, "127.0.0.1", port) as one:
        one.counter("visits_total", "Visits.").add(2)
        with own_metrics("web", tmp_path, "127.0.0.1", port) as two:
            two.counter("visits_total", "Visits.").add(3)
            assert {samples(ask(url)[1].decode())["visits_total"] for _ in range(20)} == {5}
        assert {samples(ask(url)[1].decode())["visits_total"] for _ in range(20)} == {5}


def is_answered(url: str) -> bool:
    try:
        return ask(f"{url}/metrics")[0] == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def eventually(holds: Callable[[], bool]) -> None:
    """Look again until it holds: what a thread does after its connection is closed tells nobody."""
    assert any(holds() for _ in range(1000))
