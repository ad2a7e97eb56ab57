"""What both external servers share: Headwater neither starts nor stops them."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any


class ExternalServer(ABC):
    """A server that somebody else runs."""

    embedded = False
    name: str

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    async def start(self) -> None:
        """Check that it can be reached; raises `EngineUnreachable`."""

    async def stop(self) -> None:  # noqa: B027
        """Leave it alone."""

    async def wait(self) -> int:
        """Never returns: its clients notice when it goes away."""
        never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        return await never

    def statistics(self) -> dict[str, Any]:
        return {"embedded": False}
