"""Errors of routes, raised at the start and never to a client.

::

    HeadwaterError
     ├─ HandlerError                  (headwater.binding) each names the handler and the fix
     │   └─ RouteError
     │       ├─ PathInvalid           the template of the path
     │       ├─ RoutesClash           two routes for one request
     │       ├─ ReturnTypeInvalid     a return type that cannot be encoded as JSON
     │       ├─ PagesInvalid          a declaration of pages that its row or its handler contradicts
     │       ├─ LocationTemplateInvalid  a Location template that the response cannot fill
     │       ├─ AuthenticationMissing a route that requires authentication, where none is configured
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
    """{subject} ({handler}): the path is invalid: {reason}."""


class RoutesClash(RouteError):
    """{first} ({first_handler}) and {second} ({second_handler}) match the same requests. Change one path."""


class ReturnTypeInvalid(RouteError):
    """{subject} ({handler}): the return type {kind} cannot be encoded as JSON ({reason}). Return a Struct or a
    Response."""


class LocationTemplateInvalid(RouteError):
    """{subject} ({handler}): location={location!r}: {reason}. The response's fields are: {fields}."""


class PagesInvalid(RouteError):
    """{subject} ({handler}): the pages of `{parameter}` cannot be served: {reason}. {fix}"""


class AuthenticationMissing(RouteError):
    """{subject} ({handler}): {what}, but no authentication is configured. Pass `identify=Bearer(find)`, for example."""


class OptionInvalid(RouteError):
    """{subject} ({handler}): {option}: {reason}."""
