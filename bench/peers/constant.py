"""A constant answer by hand: the floor under any redirect, which asks nothing and counts nothing."""

from bench.peers.handwritten import Receive, Scope, Send

_FIELDS = [(b"location", b"https://example.com/"), (b"content-length", b"0")]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 302, "headers": _FIELDS})
    await send({"type": "http.response.body", "body": b""})
