"""What PostgreSQL is told."""

from pathlib import Path

from headwater.engines import configuration
from headwater.settings import Settings


def test_what_is_given_wins_over_what_headwater_would_say() -> None:
    assert configuration.compose({"work_mem": "1MB"}, durable=True)["work_mem"] == "1MB"


def test_durability_is_on_unless_it_is_given_up() -> None:
    names = ("fsync", "full_page_writes", "synchronous_commit")
    assert {configuration.compose({}, durable=True)[name] for name in names} == {"on"}
    assert {configuration.compose({}, durable=False)[name] for name in names} == {"off"}


def test_a_quote_in_a_value_is_doubled() -> None:
    assert configuration.render({"unix_socket_directories": "/a'b"}).splitlines()[1] == (
        "unix_socket_directories = '/a''b'"
    )


def test_the_wal_budget_bounds_what_a_slot_may_hold() -> None:
    settings = Settings(home=Path("/h"), wal_budget_mb=128)
    assert configuration.of_settings(settings)["max_slot_wal_keep_size"] == "128MB"


def test_there_are_connections_for_every_worker() -> None:
    assert configuration.of_settings(Settings(home=Path("/h")))["max_connections"] == "100"
    assert configuration.of_settings(Settings(home=Path("/h"), web=16))["max_connections"] == "362"
