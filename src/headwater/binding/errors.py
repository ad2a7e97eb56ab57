"""What is wrong with a handler, found when the backend is started and never by a client.

Each names the handler, what it was declared for (a route, a consumer), and what mends it::

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
    """{subject}: {handler} is not asynchronous. Write `async def`; what blocks belongs in `asyncio.to_thread`."""


class AnnotationMissing(HandlerError):
    """{subject} ({handler}): {what} has no type. {mend}"""


class AnnotationUnresolved(HandlerError):
    """{subject} ({handler}): {reason}. Import the type at the top of the module, not under TYPE_CHECKING."""


class ParameterUnbound(HandlerError):
    """{subject} ({handler}): nothing fills the parameter `{parameter}: {kind}`. {mend}"""


class ParameterMisplaced(HandlerError):
    """{subject} ({handler}): the parameter `{parameter}: {kind}` does not belong here: {reason}. {mend}"""


class ResourceInvalid(HandlerError):
    """{subject} ({handler}) cannot be provided: {reason}."""
