"""What is wrong with a route, found when the backend is put together and never by a client.

::

    HeadwaterError
     └─ HttpError
         └─ RouteError                each names the handler and says what mends it
             ├─ PathInvalid           the template of the path
             ├─ RoutesClash           two routes for one request
             ├─ NotAsync              the handler is no coroutine function
             ├─ AnnotationMissing     a parameter or the answer has no type
             ├─ AnnotationUnresolved  a type that Python cannot find
             ├─ ParameterUnbound      a parameter that nothing in a request can fill
             ├─ ParameterMisplaced    a parameter that does not belong in this kind of route
             ├─ AnswerUnencodable     an answer that is no JSON
             ├─ PagesInvalid          a declaration of pages that its row or its handler contradicts
             ├─ LocationInvalid       a Location template that the answer cannot fill
             ├─ IdentityMissing       a route that must know who asks, where nothing says how
             └─ OptionInvalid         any other option of the route
"""

from headwater.errors import HeadwaterError


class HttpError(HeadwaterError):
    """The HTTP layer could not be built."""


class RouteError(HttpError):
    """The route {route} cannot be served."""


class PathInvalid(RouteError):
    """{route} ({handler}): the path is not usable: {reason}."""


class RoutesClash(RouteError):
    """{first} ({first_handler}) and {second} ({second_handler}) would answer the same requests. Change one path."""


class NotAsync(RouteError):
    """{route}: {handler} is not asynchronous. Write `async def`; what blocks belongs in `asyncio.to_thread`."""


class AnnotationMissing(RouteError):
    """{route} ({handler}): {what} has no type. {mend}"""


class AnnotationUnresolved(RouteError):
    """{route} ({handler}): {reason}. Import the type at the top of the module, not under TYPE_CHECKING."""


class ParameterUnbound(RouteError):
    """{route} ({handler}): nothing fills the parameter `{parameter}: {kind}`. {mend}"""


class ParameterMisplaced(RouteError):
    """{route} ({handler}): the parameter `{parameter}: {kind}` does not belong here: {reason}. {mend}"""


class AnswerUnencodable(RouteError):
    """{route} ({handler}): the answer {kind} cannot be written as JSON ({reason}). Return a Struct, or a Response."""


class LocationInvalid(RouteError):
    """{route} ({handler}): location={location!r}: {reason}. The answer's fields are: {fields}."""


class PagesInvalid(RouteError):
    """{route} ({handler}): the pages of `{parameter}` cannot be served: {reason}. {mend}"""


class IdentityMissing(RouteError):
    """{route} ({handler}): {what}, but nothing says who asks. Give the backend a way: identify=Bearer(find), say."""


class OptionInvalid(RouteError):
    """{route} ({handler}): {option}: {reason}."""
