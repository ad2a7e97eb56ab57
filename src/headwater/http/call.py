"""A call: what answers a request. The steps of an endpoint are made of it: each takes a call and returns another."""

from collections.abc import Awaitable, Callable

from headwater.http.answer import Answer
from headwater.http.request import Request

Call = Callable[[Request], Awaitable[Answer]]
