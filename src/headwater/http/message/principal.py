"""A principal: who asks, as the backend's `identify` found out from the request's credential."""

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """A parameter of this type receives who asks; one of type ``Principal | None`` receives None when nobody is known.

    `id` says who it is wherever that is recorded: in idempotency keys, events and the access log. It is no secret.
    `tenant` is whose data may be seen, where several share one backend. `scopes` are what the credential allows. A
    subclass may carry more, and a handler may ask for the subclass.
    """

    id: str
    tenant: str | None = None
    scopes: tuple[str, ...] = ()


class Identification(msgspec.Struct, frozen=True):
    """A reason why a route has to know who sends a request: `what`, for messages.

    With `required` nobody unknown is let in, and only principals of the class `kind`. With `wished` the route can do
    without: it is not an error that no authentication is configured.
    """

    what: str
    required: bool = True
    kind: type[Principal] = Principal
    parameter: str | None = None
    wished: bool = False


class Ambient(msgspec.Struct, frozen=True):
    """Noted of a route for which browsers send a credential by themselves, also when another site makes them."""
