"""What your own capability is made of; see docs/how-to/extend.md.

An `App` has decorators for most of it. A `Part` is a value that several backends can share::

    def audit(reason: str) -> Part:
        return Part("audit", Step(name="audit", stage=Stage.PRINCIPAL, …), Source("audit", "audit", FOLDER))

    backend = Backend(app, parts=[audit("money")])
"""

from headwater.binding import HandlerError, Hook, Parameter, Provided, Provider, Resource, Services, Site
from headwater.binding.function import provider_of
from headwater.consumer import Subscription
from headwater.db import Source
from headwater.engines import Finding
from headwater.http.message.answer import Answer
from headwater.http.route.call import Call
from headwater.http.route.option import Option
from headwater.http.route.route import Route
from headwater.http.step.description import Describe, Description, RequestHeader
from headwater.http.step.operation import Operation
from headwater.http.step.problems import Problems
from headwater.http.step.step import Accepts, Stage, Step, TransactionStep
from headwater.http.verbs import make_route
from headwater.observe import Metrics, Occurrence, report
from headwater.part import Declaration, Declarations, Part, Validation
from headwater.upkeep import Check, Chore, Command, Examination, Middleware, OwnSettings, Process, own_settings

__all__ = [
    "Accepts",
    "Answer",
    "Call",
    "Check",
    "Chore",
    "Command",
    "Declaration",
    "Declarations",
    "Describe",
    "Description",
    "Examination",
    "Finding",
    "HandlerError",
    "Hook",
    "Metrics",
    "Middleware",
    "Occurrence",
    "Operation",
    "Option",
    "OwnSettings",
    "Parameter",
    "Part",
    "Problems",
    "Process",
    "Provided",
    "Provider",
    "RequestHeader",
    "Resource",
    "Route",
    "Services",
    "Site",
    "Source",
    "Stage",
    "Step",
    "Subscription",
    "TransactionStep",
    "Validation",
    "make_route",
    "own_settings",
    "provider_of",
    "report",
]
