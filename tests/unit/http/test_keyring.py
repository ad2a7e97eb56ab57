"""Keys are derived from secrets, one per purpose; the first secret signs and all verify."""

from typing import Any

import pytest

from headwater.keyring import Keyring
from headwater.settings import SettingsError

OLD, NEW = "o" * 32, "n" * 32


class Secrets:
    """A database that is asked for its secret, and remembers how often."""

    def __init__(self) -> None:
        self.asked = 0

    async def one(self, kind: Any, sql: str) -> bytes:
        self.asked += 1
        return b"kept in the database"


def secrets() -> Any:
    return Secrets()


async def test_the_first_secret_signs_and_all_of_them_verify() -> None:
    database = secrets()
    old = await Keyring(OLD, database).keys("cursor")
    both = await Keyring(f"{NEW}, {OLD}", database).keys("cursor")
    signed = old.signing.sign(b"message")
    assert both.known[old.signing.id].verifies(b"message", signed)
    assert not both.known[old.signing.id].verifies(b"massage", signed)
    assert both.signing.id != old.signing.id
    assert both.signing.id not in old.known
    assert database.asked == 0


async def test_what_is_signed_for_one_purpose_passes_for_no_other() -> None:
    keyring = Keyring(OLD, secrets())
    cursor, token = (await keyring.keys("cursor")).signing, (await keyring.keys("token")).signing
    assert cursor.id != token.id
    assert not token.verifies(b"message", cursor.sign(b"message"))


async def test_without_a_secret_that_of_the_database_is_read_once() -> None:
    database = secrets()
    keyring = Keyring(None, database)
    assert await keyring.keys("cursor") == await keyring.keys("cursor")
    await keyring.keys("token")
    assert database.asked == 1


@pytest.mark.parametrize("secret", ["short", f"{OLD},short", f"{OLD},"])
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="at least 32 characters") as raised:
        Keyring(secret, secrets())
    assert "short" not in str(raised.value)
    assert OLD not in str(raised.value)
