"""Errors of handlers, raised at the start and never to a client.

Each names the handler, what it was declared for (a route, a consumer), and the fix::

    HeadwaterError
     └─ HandlerError
         ├─ NotAsync              the handler is not a coroutine function
         ├─ AnnotationMissing     a parameter or the result has no type
         ├─ AnnotationUnresolved  a type that Python cannot find
         ├─ ParameterUnbound      a parameter that nothing can fill
         ├─ ParameterMisplaced    a parameter that does not belong in this kind of handler
         ├─ ResourceInvalid       a provider or a resource that cannot be opened
         ├─ RouteError            (headwater.http) anything else about a route
         └─ BadHandler            (headwater.consumer) anything else about a consumer
"""

from headwater.errors import HeadwaterError


class HandlerError(HeadwaterError):
    """{subject} ({handler}) cannot be run."""


class NotAsync(HandlerError):
    """{subject}: {handler} is not asynchronous. Write `async def`, and run blocking code with `asyncio.to_thread`."""


class AnnotationMissing(HandlerError):
    """{subject} ({handler}): {what} has no type. {fix}"""


class AnnotationUnresolved(HandlerError):
    """{subject} ({handler}): {reason}. Import the type at the top of the module, not under TYPE_CHECKING."""


class ParameterUnbound(HandlerError):
    """{subject} ({handler}): the parameter `{parameter}: {kind}` cannot be bound. {fix}"""


class ParameterMisplaced(HandlerError):
    """{subject} ({handler}): the parameter `{parameter}: {kind}` is not allowed here: {reason}. {fix}"""


class ResourceInvalid(HandlerError):
    """{subject} ({handler}) cannot be provided: {reason}."""
