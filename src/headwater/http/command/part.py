"""Commands as a part: one transaction, one commit, and at most one execution per Idempotency-Key."""

from typing import Any, Final

from headwater.http.command.command import link_command
from headwater.http.command.idempotency import KEY_PATTERN
from headwater.http.command.options import IdempotencyOption
from headwater.http.command.problems import COMMIT_PROBLEMS
from headwater.http.route.route import refuse_option
from headwater.http.step.description import Describe, Description
from headwater.http.step.operation import Draft, Operation, WaitsFor, Within
from headwater.http.step.step import Execution, TransactionStep
from headwater.part import Part

_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "New for each new request, and the same for a retry: the command is executed once, and each "
        "retry gets the same response."
    ),
    "schema": {"type": "string", "pattern": KEY_PATTERN},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}


def commands() -> Part:
    """Serve commands."""
    return Part(
        "commands",
        Execution(
            verb="command",
            does="providers; the body; its Idempotency-Key; the transaction, and in it the handler; the response",
            link=link_command,
        ),
        TransactionStep(
            name="key",
            does="claims the Idempotency-Key, or returns the response that is stored under it",
            plan=_plan_key,
        ),
        *COMMIT_PROBLEMS,
        Describe(of=_describe),
    )


def _plan_key(draft: Draft) -> Within | None:
    declared = draft.option(IdempotencyOption).idempotency
    if draft.route.verb == "query" and declared != "none":
        refuse_option(draft.route, f"idempotency={declared!r}", "a query changes nothing, so it needs no key")
    if draft.binding.tx_index is not None:
        draft.note(WaitsFor(frozenset({"writes"})))
    return None


def _describe(operation: Operation) -> Description:
    if operation.route.verb != "command":
        return Description()
    declared = operation.option(IdempotencyOption).idempotency
    if declared == "none":
        return Description(statuses=(409,))
    return Description(
        parameters=({**_KEY, "required": declared == "required"},),
        headers={"Idempotent-Replayed": "IdempotentReplayed"},
        statuses=(409,),
    )
