"""Authentication as a part: the principal as a provided type, and the step that authenticates."""

from collections.abc import Sequence

from headwater.binding import Parameter, Provided, Provider, Services, Site
from headwater.binding.provider import Bind, member_of
from headwater.http.authentication.admission import Admission, admission_of, with_principal
from headwater.http.authentication.authenticator import Authenticator
from headwater.http.authentication.credential import ApiKey, Credential
from headwater.http.message.principal import Ambient, AuthenticationNeed, Principal
from headwater.http.message.request import Request
from headwater.http.step.description import Describe, Description, RequestHeader
from headwater.http.step.operation import Operation, WaitsFor
from headwater.http.step.step import Stage, Step
from headwater.part import Part


def authentication(credentials: Sequence[Credential], realm: str) -> Part:
    """Authenticate by these credentials. Without any, a route that requires authentication is an error at the start."""
    identity = Authenticator(credentials, realm) if credentials else None

    def plan(operation: Operation) -> Admission | None:
        admission = admission_of(operation, identity)
        if admission is not None:
            operation.note(WaitsFor(frozenset({"reads"})))
            if admission.identity.ambient:
                operation.note(Ambient())
        return admission

    return Part(
        "authentication",
        Provider(kind=Principal, subclasses=True, context=Request, provide=_provide_principal),
        Step(
            name="authentication",
            stage=Stage.AUTHENTICATION,
            does="authenticates the request and authorizes the principal: else 401 or 403",
            plan=plan,
            wrap=with_principal,
        ),
        Describe(of=_describe),
        *(RequestHeader(name=each.header) for each in credentials if isinstance(each, ApiKey)),
    )


def _provide_principal(site: Site, parameter: Parameter) -> Provided:
    kind, optional = member_of(parameter.annotation)
    assert kind is not None
    assert issubclass(kind, Principal)
    reason = AuthenticationNeed(f"the parameter `{parameter.name}` is a Principal", required=not optional, kind=kind)
    return Provided(kind=kind, bind=_bind_principal, required=not optional, facts=(reason,))


def _bind_principal(services: Services) -> Bind:
    return lambda request: request.principal


def _describe(operation: Operation) -> Description:
    """Any one of the credentials, or none where authentication is optional."""
    admission = operation.fact(Admission)
    if admission is None:
        return Description()
    named = admission.identity.named
    choices: list[dict[str, list[str]]] = [{name: list(admission.scopes)} for name in named]
    return Description(
        statuses=(401, 403, 503),
        members={"security": choices if admission.required else [{}, *choices]},
        components={"securitySchemes": {name: each.scheme() for name, each in named.items()}},
    )
