"""CSRF protection as a part."""

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
    "description": "Required with a session cookie: the token of our page. Not needed with other credentials.",
    "required": False,
    "schema": {"type": "string"},
}


class Checked:
    """A note: the requests of this operation are checked."""


def browser_rules() -> Part:
    """Refuse requests that a page of another site may have caused."""
    return Part(
        "browser",
        Step(
            name="cross-site requests",
            stage=Stage.PRINCIPAL,
            does="refuses requests with a session cookie that another site may have caused: 403",
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
