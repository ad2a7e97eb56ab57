"""What browsers need from an API, as a part: no other site may make a browser change something."""

from typing import Any

from headwater.binding import Services
from headwater.http.browser.csrf import SAFE, with_csrf
from headwater.http.message.principal import Ambient
from headwater.http.route.call import Call
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Operation
from headwater.http.step.step import Stage, Step
from headwater.part import Part
from headwater.settings import Settings

_TOKEN = {
    "name": "X-CSRF-Token",
    "in": "header",
    "description": "With a session cookie: the token that a page of ours was given. Not for any other credential.",
    "required": False,
    "schema": {"type": "string"},
}


class Checked:
    """Noted of an operation whose requests are checked."""


def browser_rules() -> Part:
    """Refuse requests that a page of another site may have made a browser send."""
    return Part(
        "browser",
        Step(
            name="cross-site requests",
            stage=Stage.PRINCIPAL,
            does="refuses what another site made a browser send under a session cookie: 403",
            plan=_plan,
            wrap=_wrap,
        ),
        Describe(of=_describe),
    )


def _plan(operation: Operation) -> Checked | None:
    changes = operation.route.method not in SAFE
    return Checked() if changes and operation.fact(Ambient) is not None else None


def _wrap(call: Call, plan: Any, operation: Operation, services: Services) -> Call:
    return with_csrf(call, services[Settings].cors_origins)


def _describe(operation: Operation) -> Description:
    return Description(parameters=(_TOKEN,) if operation.fact(Checked) is not None else ())
