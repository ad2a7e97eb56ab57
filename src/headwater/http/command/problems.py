"""The problems of commit errors."""

from typing import Final

from headwater.commit import KeyInFlight, KeyReused, OutcomeUnknown
from headwater.http.message import problemtype as types
from headwater.http.message.problem import Problem
from headwater.http.step.problems import Problems, retry_after

_RETRY_SECONDS: Final = 1.0


def _key_reused(error: KeyReused) -> Problem:
    return types.KEY_REUSED.problem("This key was used before for a request with different content.")


def _key_in_flight(error: KeyInFlight) -> Problem:
    return types.KEY_IN_FLIGHT.problem(
        "The first request with this key has not finished yet.", retry_after(error.retry_after)
    )


def _outcome_unknown(error: OutcomeUnknown) -> Problem:
    return types.OUTCOME_UNKNOWN.problem(
        "The connection was lost during the commit; the outcome is unknown.", retry_after(_RETRY_SECONDS)
    )


COMMIT_PROBLEMS: Final = (
    Problems(KeyReused, _key_reused),
    Problems(KeyInFlight, _key_in_flight),
    Problems(OutcomeUnknown, _outcome_unknown),
)
