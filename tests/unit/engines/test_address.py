"""What is shown of a URL."""

import pytest

from headwater.engines.address import shown_database, shown_host, split_password, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:sesame@db.example:5432/shop", "db.example:5432"),
        ("postgresql://user@/shop?host=/run/pg", "/run/pg"),
        ("postgresql:///shop", "/shop"),
        ("unix://:sesame@/run/valkey%20a.sock", "/run/valkey a.sock"),
        ("valkey://[::1]:6379/0", "[::1]:6379"),
        ("postgresql://[broken", "an invalid URL"),
    ],
)
def test_the_host_is_shown_and_nothing_secret(url: str, shown: str) -> None:
    assert shown_host(url) == shown


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://user:sesame@h/d", "sesame"),
        ("postgresql://user:a%40b@h/d", "a@b"),
        ("postgresql://h/d?user=u&password=sesame", "sesame"),
        ("valkey://:sesame@h", "sesame"),
    ],
)
def test_the_password_is_blotted_out_in_each_of_its_forms(url: str, password: str) -> None:
    assert without_password(f"no entry for {password}", url) == "no entry for ***"


def test_without_a_password_a_text_stays_as_it_is() -> None:
    assert without_password("no entry", "postgresql://h/d") == "no entry"


@pytest.mark.parametrize(
    ("url", "database", "role"),
    [
        ("postgresql://clerk@h/shop", "shop", "clerk"),
        ("postgresql://h/?dbname=shop&user=clerk", "shop", "clerk"),
        ("postgresql://[broken", "headwater", "headwater"),
    ],
)
def test_database_and_role_that_a_url_names(url: str, database: str, role: str) -> None:
    assert shown_database(url) == (database, role)


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("postgresql://me@db/app", "postgresql://me@db/app", None),
        ("postgresql://me:s%40fe@db:5433/app", "postgresql://me@db:5433/app", "s@fe"),
        ("postgresql://me@/app?host=/run&password=safe", "postgresql://me@/app?host=%2Frun", "safe"),
        ("postgresql:///app?host=/run", "postgresql:///app?host=/run", None),
    ],
)
def test_a_password_is_taken_out_of_a_url(url: str, shown: str, password: str | None) -> None:
    assert split_password(url) == (shown, password)
