"""The parts of the platform: the list of the capabilities of every backend.

Their order is the order of their steps within a stage and of their additions to the OpenAPI document.
"""

from collections.abc import Sequence

from headwater.binding import Provider, Services
from headwater.binding.provider import constant
from headwater.clock import Clock
from headwater.commit.part import committing
from headwater.consumer.part import consumers
from headwater.db import platform_source
from headwater.db.pools import database
from headwater.http.authentication.credential import Credential
from headwater.http.authentication.part import authentication
from headwater.http.browser.part import browser_rules
from headwater.http.command.part import commands
from headwater.http.conditions.part import conditional_requests
from headwater.http.docspage.part import documentation
from headwater.http.files.part import files
from headwater.http.limit import Limit
from headwater.http.limit.part import rate_limits
from headwater.http.load.part import load_limits
from headwater.http.page.part import pages
from headwater.http.query.part import queries
from headwater.http.step.negotiation import negotiation
from headwater.ids.part import snowflake_ids
from headwater.keyring import keys
from headwater.objects.part import object_storage
from headwater.observe import Metrics
from headwater.part import Part, Validation
from headwater.settings import Settings
from headwater.upkeep import refuse_duplicates


def platform_parts(
    *, credentials: Sequence[Credential] = (), realm: str = "headwater", limits: Sequence[Limit] = ()
) -> tuple[Part, ...]:
    """All of them. `credentials` authenticate principals; `limits` are the rate limits of routes that declare none."""
    return (
        process(),
        database(),
        committing(),
        keys(),
        object_storage(),
        snowflake_ids(),
        queries(),
        commands(),
        pages(),
        authentication(credentials, realm),
        browser_rules(),
        conditional_requests(),
        rate_limits(limits),
        load_limits(),
        negotiation(),
        files(),
        documentation(),
        consumers(),
    )


def process() -> Part:
    """What every process has from its start: settings, a clock and metrics."""
    given: tuple[type, ...] = (Settings, Clock, Metrics, Services)
    return Part("process", platform_source(), Validation(refuse_duplicates), *map(_given, given))


def _given(kind: type) -> Provider:
    return Provider(kind=kind, provide=lambda site, parameter: constant(kind))
