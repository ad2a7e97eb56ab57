"""A client of tus 1.0, written from the protocol alone."""

import base64
from collections.abc import AsyncIterator, Iterable

from headwater.testing.client import Reply
from headwater.testing.running import RunningBackend
from tests.integration.files.sending import send

SPOKEN = {"tus-resumable": "1.0.0"}
BYTES = {**SPOKEN, "content-type": "application/offset+octet-stream"}


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


class Upload:
    """One upload at its address; `create` makes it."""

    def __init__(self, backend: RunningBackend, address: str) -> None:
        self.backend = backend
        self.address = address

    @classmethod
    async def create(
        cls, backend: RunningBackend, length: int | None, path: str = "/uploads", **pairs: str
    ) -> "Upload":
        headers = {**SPOKEN, "upload-metadata": metadata(**pairs)}
        headers |= {"upload-defer-length": "1"} if length is None else {"upload-length": str(length)}
        created = await backend.client.post(path, headers=headers)
        assert created.status == 201, created.text
        return cls(backend, created.headers["location"])

    async def offset(self) -> int:
        shown = await self.show()
        assert shown.status == 200, shown.text
        return int(shown.headers["upload-offset"])

    async def show(self) -> Reply:
        return await self.backend.client.head(self.address, headers=SPOKEN)

    async def append(
        self, offset: int, pieces: "bytes | Iterable[bytes] | AsyncIterator[bytes]", **headers: str
    ) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(pieces, bytes):
            named["content-length"] = str(len(pieces))
            pieces = [pieces] if pieces else []
        return await send(self.backend, "PATCH", self.address, pieces, {**BYTES, "upload-offset": str(offset), **named})

    async def remove(self) -> Reply:
        return await self.backend.client.delete(self.address, headers=SPOKEN)
