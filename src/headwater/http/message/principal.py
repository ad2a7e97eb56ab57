"""A principal: the authenticated client of a request."""

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """A parameter of this type receives the principal; one of type ``Principal | None`` receives None without one.

    `id` identifies the principal in idempotency keys, events and the access log; it is not secret. `tenant` is the
    tenant whose data it may see, where several share one backend. `scopes` are what the credential allows. A subclass
    may have more fields, and a handler may take the subclass.
    """

    id: str
    tenant: str | None = None
    scopes: tuple[str, ...] = ()


class AuthenticationNeed(msgspec.Struct, frozen=True):
    """A reason why a route authenticates: `what`, for messages.

    With `required` only authenticated principals of the class `kind` are admitted. With `wished` authentication is
    optional: it is not an error if none is configured.
    """

    what: str
    required: bool = True
    kind: type[Principal] = Principal
    parameter: str | None = None
    wished: bool = False


class Ambient(msgspec.Struct, frozen=True):
    """A note: browsers send a credential of this route by themselves, also with requests that another site caused."""
