"""What is wrong with a route, found when the backend is started and never by a client.

::

    HeadwaterError
     ├─ HandlerError                  (headwater.binding) each names the handler and says what mends it
     │   └─ RouteError
     │       ├─ PathInvalid           the template of the path
     │       ├─ RoutesClash           two routes for one request
     │       ├─ AnswerUnencodable     a result that cannot be written as JSON
     │       ├─ PagesInvalid          a declaration of pages that its row or its handler contradicts
     │       ├─ LocationInvalid       a Location template that the answer cannot fill
     │       ├─ IdentityMissing       a route that needs authentication, where none is configured
     │       └─ OptionInvalid         any other option of the route
     └─ HttpError                     the HTTP layer could not be built
         └─ OptionUnknown             a keyword that no capability knows
"""

from headwater.binding.errors import HandlerError
from headwater.errors import HeadwaterError


class HttpError(HeadwaterError):
    """The HTTP layer could not be built."""


class OptionUnknown(HttpError):
    """{what}: there is no option {option!r}. The options are: {known}."""


class RouteError(HandlerError):
    """The route {subject} cannot be served."""


class PathInvalid(RouteError):
    """{subject} ({handler}): the path is not usable: {reason}."""


class RoutesClash(RouteError):
    """{first} ({first_handler}) and {second} ({second_handler}) would answer the same requests. Change one path."""


class AnswerUnencodable(RouteError):
    """{subject} ({handler}): the answer {kind} cannot be written as JSON ({reason}). Return a Struct, or a Response."""


class LocationInvalid(RouteError):
    """{subject} ({handler}): location={location!r}: {reason}. The answer's fields are: {fields}."""


class PagesInvalid(RouteError):
    """{subject} ({handler}): the pages of `{parameter}` cannot be served: {reason}. {mend}"""


class IdentityMissing(RouteError):
    """{subject} ({handler}): {what}, but no authentication is configured. Pass `identify=Bearer(find)`, for example."""


class OptionInvalid(RouteError):
    """{subject} ({handler}): {option}: {reason}."""
