"""Recovery: the response to a request whose handler raised or was cancelled, and its log event."""

import asyncio
import traceback
from typing import ClassVar

from headwater.http.browser.csrf import SAFE
from headwater.http.load.refusal import Shed
from headwater.http.load.watch import Watch
from headwater.http.message.answer import CLOSE, Answer
from headwater.http.message.body import ClientGone
from headwater.http.message.problem import Problem, write_problem
from headwater.http.message.problemtype import DEADLINE_PASSED, NOT_READY
from headwater.http.message.request import Request
from headwater.http.serving.meter import Meter, Metered
from headwater.http.step.problems import Translation
from headwater.observe import Level, Occurrence, report


class HandlerFailed(Occurrence, frozen=True, kw_only=True):
    """A handler raised an unexpected exception; the client got a 500 with the same request id."""

    level: ClassVar[Level] = "error"
    method: str
    route: str
    request_id: str
    trace_id: str
    exception: str


class Recovery:
    """Error responses of an application; `meter` counts them, `watch` knows why a request was cancelled."""

    def __init__(self, meter: Meter, watch: Watch, translation: Translation) -> None:
        self._problem_of = translation.problem_of
        self._meter = meter
        self._watch = watch

    def answer(self, error: Exception, request: Request, endpoint: Metered) -> Answer:
        """The response to a request whose handler raised; raises `ClientGone` if the client has disconnected."""
        if isinstance(error, ClientGone):
            raise error
        problem = self._problem_of(error)
        if isinstance(problem, Shed):
            self._meter.count_refusal(endpoint, problem)
        if problem is None:
            problem = self._note_failure(error, request, endpoint)
        return write_problem(problem, request.id, request.target)

    def answer_stopped(self, request: Request, endpoint: Metered) -> Answer:
        """The response to a request that was cancelled; re-raises if the watch did not cancel it."""
        why = self._watch.why_stopped(request)
        if why is None:
            raise asyncio.CancelledError
        if request.task is not None:
            request.task.uncancel()
        if why == "gone":
            raise ClientGone
        if why == "late":
            return self._answer_late(request, endpoint)
        problem = NOT_READY.problem("The process is shutting down.", {"Retry-After": "1"}, missing=[])
        return write_problem(problem, request.id, request.target)

    def _note_failure(self, error: Exception, request: Request, endpoint: Metered) -> Problem:
        """Log an unexpected exception with its traceback; the client gets only the request id."""
        self._meter.count_failure(endpoint, error)
        report(
            HandlerFailed(
                method=request.method,
                route=endpoint.label,
                request_id=request.id,
                trace_id=request.trace,
                exception="".join(traceback.format_exception(error)),
            )
        )
        return Problem(500, detail="An unexpected error occurred. It has been logged under this request's id.")

    def _answer_late(self, request: Request, endpoint: Metered) -> Answer:
        self._meter.count_miss(endpoint)
        seconds = self._watch.seconds_of(request)
        detail = f"The request was cancelled after {seconds:g} seconds."
        if request.method not in SAFE:
            detail += " Nothing of it was committed."
        answer = write_problem(DEADLINE_PASSED.problem(detail, deadline=seconds), request.id, request.target)
        if request.raw_body is None and request.method not in ("GET", "HEAD") and request.keeps_connection:
            answer.fields.append(CLOSE)  # the rest of the body may still arrive
        return answer
