"""Pages as a part: a `Page` as a type that is provided to queries, by the declaration that it is marked with."""

from headwater.binding import Parameter, Provided, Provider, Services, Site
from headwater.binding.provider import Bind
from headwater.clock import Clock
from headwater.http.binding.binding import InputsRefused
from headwater.http.binding.inputs import FromRequest, RouteSubject
from headwater.http.message.principal import AuthenticationNeed
from headwater.http.message.request import Request
from headwater.http.page.asked import Asking
from headwater.http.page.declaration import Pages
from headwater.http.page.listing import Listing
from headwater.http.page.page import Page
from headwater.http.page.plan import PagePlan, PlanInvalid
from headwater.http.route.errors import PagesInvalid
from headwater.http.route.route import Route
from headwater.keyring import Keyring
from headwater.part import Part


def pages() -> Part:
    """Let queries answer with pages of long lists."""
    return Part("pages", Provider(kind=Page, marker=Pages, context=Request, provide=_provide))


def _provide(site: Site, parameter: Parameter) -> Provided:
    subject = site.subject
    assert isinstance(subject, RouteSubject), "only a route's own handler takes a page"
    plan = _plan(site, subject, parameter)
    identified = (AuthenticationNeed("its pages belong to tenants"),) if plan.tenant is not None else ()
    return FromRequest(
        kind=Page,
        bind=lambda services: _bind(plan, subject.route, services),
        query=frozenset(plan.parameters),
        required=False,
        waits_for=frozenset({"reads"}),
        uses=frozenset({Keyring}),
        statuses=(504,),
        facts=(plan, *identified),
    )


def _plan(site: Site, subject: RouteSubject, parameter: Parameter) -> PagePlan:
    """The declaration, checked against its row and its handler; raises `PagesInvalid`."""
    pages = parameter.marker
    assert isinstance(pages, Pages)
    if parameter.annotation is not Page:
        raise _invalid(site, parameter, "its type is not Page", f"Write `{parameter.name}: Annotated[Page, …]`.")
    if subject.route.verb == "command":
        site.misplaced(parameter, "only a query answers with pages", "Make it a query.")
    signature = subject.signature
    try:
        plan = PagePlan(pages, whole=signature.convert is not None)
    except PlanInvalid as error:
        raise _invalid(site, parameter, str(error), "Fix the declaration.") from None
    if signature.returns != Listing[plan.kind]:  # type: ignore[name-defined]
        kind = plan.kind.__name__
        raise _invalid(site, parameter, f"the handler does not return Listing[{kind}]", f"Write `-> Listing[{kind}]`.")
    return plan


def _bind(plan: PagePlan, route: Route, services: Services) -> Bind:
    read, keyring, clock = Asking(plan).read, services[Keyring], services[Clock]  # type: ignore[type-abstract]
    list_name = f"{route.app} {route}".encode()

    def bind(request: Request) -> Page:
        asked, errors = read(request.query)
        if errors:
            raise InputsRefused(errors)
        return Page(plan, list_name, asked, request, keyring, clock)

    return bind


def _invalid(site: Site, parameter: Parameter, reason: str, fix: str) -> PagesInvalid:
    subject = site.subject
    return PagesInvalid(subject=subject, handler=subject.location, parameter=parameter.name, reason=reason, fix=fix)
