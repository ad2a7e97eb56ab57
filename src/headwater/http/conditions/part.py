"""Conditional requests as a part: validators, 304, 412 and 428."""

from headwater.http.binding.rendering import NO_STORE
from headwater.http.conditions.conditional import with_validators
from headwater.http.conditions.current import plan_current
from headwater.http.conditions.document import describe_conditions
from headwater.http.conditions.options import ConditionOption
from headwater.http.message.answer import Fields
from headwater.http.route.route import Route
from headwater.http.step.description import Describe
from headwater.http.step.step import AnswerFields, Refinement, TransactionStep
from headwater.part import Part


def conditional_requests() -> Part:
    """Serve conditional requests."""
    return Part(
        "conditions",
        AnswerFields(of=_never_cached),
        Refinement(refine=with_validators),
        TransactionStep(
            name="current",
            does="finds and locks what the command changes, and compares it with If-Match: 412 or 428",
            plan=plan_current,
        ),
        Describe(of=describe_conditions),
    )


def _never_cached(route: Route) -> Fields:
    """Otherwise caches would store a response for a heuristic time (RFC 9111 section 4.2.2)."""
    declared = route.option(ConditionOption)
    return [] if route.verb == "command" or declared.validated or declared.cache_control else [NO_STORE]
