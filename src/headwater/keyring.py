"""The keyring: keys that sign what clients must return unchanged, such as cursors.

Keys are derived from secrets, one per purpose and secret (HMAC-SHA256 as the pseudo-random function, RFC 2104), so a
signature for one purpose is not valid for another. The secrets are those of HEADWATER_SECRET: the first signs, all
verify. Without it, the secret is the one that was created with the database.
"""

import hmac
from hashlib import sha256
from typing import Final

import msgspec

from headwater.binding import Resource
from headwater.db import Db
from headwater.part import Part
from headwater.settings import Settings, SettingsError

LEAST_CHARACTERS: Final = 32
ID_BYTES: Final = 4
MAC_BYTES: Final = 16
"""Half of an HMAC-SHA256, the minimum that RFC 2104 section 5 allows."""

_SECRET: Final = "select value from headwater.secret where name = 'backend'"


class Key(msgspec.Struct, frozen=True):
    """`id` identifies the key within a keyring and reveals nothing about it."""

    id: bytes
    _secret: bytes

    @classmethod
    def derived(cls, secret: bytes, purpose: str) -> "Key":
        key = hmac.digest(secret, purpose.encode(), sha256)
        return cls(sha256(b"id of " + key).digest()[:ID_BYTES], key)

    def sign(self, message: bytes) -> bytes:
        """The authentication code of a message, `MAC_BYTES` long."""
        return hmac.digest(self._secret, message, sha256)[:MAC_BYTES]

    def verifies(self, message: bytes, code: bytes) -> bool:
        """Whether the code is right, compared in constant time."""
        return hmac.compare_digest(self.sign(message), code)


class Keys(msgspec.Struct, frozen=True):
    """The keys of one purpose; `signing` is one of `known`."""

    signing: Key
    known: dict[bytes, Key]


class Keyring:
    """Keys by purpose; raises `SettingsError` for a secret that is too short."""

    def __init__(self, secret: str | None, db: Db) -> None:
        self._secrets = _secrets_of(secret) if secret else None
        self._db = db
        self._keys: dict[str, Keys] = {}

    async def keys(self, purpose: str) -> Keys:
        """The keys of a purpose, which is a constant of the code; raises `DbError` if the secret cannot be read."""
        found = self._keys.get(purpose)
        if found is None:
            if self._secrets is None:
                self._secrets = [await self._db.one(bytes, _SECRET)]
            keys = [Key.derived(secret, purpose) for secret in self._secrets]
            found = self._keys[purpose] = Keys(keys[0], {key.id: key for key in keys})
        return found


def _secrets_of(setting: str) -> list[bytes]:
    secrets = [secret.strip() for secret in setting.split(",")]
    if any(len(secret) < LEAST_CHARACTERS for secret in secrets):
        reason = f"its secrets are separated by commas, and each must have at least {LEAST_CHARACTERS} characters"
        raise SettingsError(variable="HEADWATER_SECRET", value="(not shown)", reason=reason)
    return [secret.encode() for secret in secrets]


def keys() -> Part:
    """The keyring as a part."""
    return Part("keys", Resource(kind=Keyring, open=_open_keyring))


def _open_keyring(settings: Settings, db: Db) -> Keyring:
    return Keyring(settings.secret, db)
