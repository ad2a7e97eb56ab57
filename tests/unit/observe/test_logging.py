"""Everything that is logged becomes one stream of lines."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec
import pytest
import structlog

from headwater.observe import Level, Occurrence, report
from headwater.observe.logging import adopt_structlog, configure_logging


class DiskFull(Occurrence, frozen=True, kw_only=True):
    level: ClassVar[Level] = "warning"
    path: str


Configure = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Configures logging for the test; the answer fills with the lines written."""
    ends = []

    def start(level: str = "info", **options: Any) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        ends.append(
            configure_logging("web 1", level, write=lambda line: lines.append(msgspec.json.decode(line)), **options)
        )
        return lines

    yield start
    for end in ends:
        end()


def test_occurrences_records_and_structlog_are_lines_of_one_form(configure: Configure) -> None:
    lines = configure()
    report(DiskFull(path="/data"))
    logging.getLogger("asyncpg").warning("slow %s", "query")
    structlog.get_logger().bind(order=7).info("order placed", quantity=2)
    assert [line.pop("at")[-1] for line in lines] == ["Z"] * 3
    assert lines == [
        {"level": "warning", "process": "web 1", "event": "DiskFull", "path": "/data"},
        {"level": "warning", "process": "web 1", "event": "slow query", "logger": "asyncpg"},
        {"level": "info", "process": "web 1", "event": "order placed", "order": 7, "quantity": 2},
    ]


def test_what_lies_below_the_level_is_not_written(configure: Configure) -> None:
    lines = configure("warning")
    structlog.get_logger().info("chatter")
    logging.getLogger("x").info("chatter")
    structlog.get_logger().error("trouble")
    assert [line["event"] for line in lines] == ["trouble"]


def test_context_variables_are_part_of_the_line(configure: Configure) -> None:
    lines = configure()
    with structlog.contextvars.bound_contextvars(request_id="mine"):
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    assert [line.get("request_id") for line in lines] == ["mine", None]


def test_exceptions_bring_their_trace(configure: Configure) -> None:
    lines = configure()
    try:
        raise RuntimeError("broken")
    except RuntimeError as error:
        structlog.get_logger().exception("failed")
        structlog.get_logger().error("failed", exc_info=error)
        logging.getLogger("x").exception("failed")
    assert [line["level"] for line in lines] == ["error"] * 3
    for line in lines:
        assert "RuntimeError: broken" in line["exception"]


def test_values_that_json_does_not_know_are_written_as_text(configure: Configure) -> None:
    lines = configure()
    structlog.get_logger().info("odd", value=object)
    assert lines[0]["value"] == "<class 'object'>"


def test_a_person_at_a_terminal_reads_text() -> None:
    written: list[bytes] = []
    end = configure_logging("web 1", console=True, write=written.append)
    structlog.get_logger().info("order placed", quantity=2)
    report(DiskFull(path="/data"))
    end()
    text = b"".join(written).decode()
    assert "order placed" in text
    assert "quantity=2" in text
    assert "path=/data" in text
    assert not text.startswith("{")


def test_after_its_end_nothing_is_written(configure: Configure) -> None:
    lines: list[bytes] = []
    configure_logging("web 1", write=lines.append)()
    report(DiskFull(path="/data"))
    logging.getLogger("x").warning("x")
    assert lines == []


def test_an_app_that_uses_structlog_is_heard_without_asking() -> None:
    lines: list[dict[str, Any]] = []
    try:
        adopt_structlog("web 1", "info", lambda line: lines.append(msgspec.json.decode(line)))
        structlog.get_logger().info("order placed", quantity=2)
    finally:
        structlog.reset_defaults()
    assert [(line["process"], line["event"], line["quantity"]) for line in lines] == [("web 1", "order placed", 2)]


def test_an_app_that_has_configured_structlog_keeps_its_own_way(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[bytes] = []
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    try:
        adopt_structlog("web 1", "info", lines.append)
        structlog.get_logger().info("mine")
    finally:
        structlog.reset_defaults()
    assert (lines, capsys.readouterr().out) == ([], "event='mine'\n")
