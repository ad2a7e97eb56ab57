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
