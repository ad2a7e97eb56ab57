"""A call: what answers a request. The steps of an endpoint are made of it: each takes a call and returns another."""

from collections.abc import Awaitable, Callable

from headwater.http.message.answer import Answer
from headwater.http.message.request import Request

Call = Callable[[Request], Awaitable[Answer]]
