"""A call: the function that returns the response to a request. Each step of an endpoint wraps a call in another."""

from collections.abc import Awaitable, Callable

from headwater.http.message.answer import Answer
from headwater.http.message.request import Request

Call = Callable[[Request], Awaitable[Answer]]
