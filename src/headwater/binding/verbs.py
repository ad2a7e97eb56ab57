"""The decorators of binding: they record provided types, resources and lifespan hooks."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headwater.binding.function import kind_of, provider_of
from headwater.binding.resource import Hook, Resource
from headwater.part import Part

Function = TypeVar("Function", bound=Callable[..., Any])


class BindingVerbs(Part):
    """Records the types that an app provides. The decorators return the function unchanged."""

    def provide(self, *, statuses: Sequence[int] = ()) -> Callable[[Function], Function]:
        """Provide the type that the function returns, created once per request or delivery.

        Its parameters are bound like a handler's: ``async def find_basket(request: Request, db: Db) -> Basket``. It may
        raise a `Problem`; `statuses` are the additional statuses for the documentation. A generator yields the value
        and is finished when the call is over. Raises `ResourceInvalid`.
        """

        def record(function: Function) -> Function:
            self.declare(provider_of(function, tuple(statuses)))
            return function

        return record

    def resource(self, *, statuses: Sequence[int] = ()) -> Callable[[Function], Function]:
        """Provide the type that the function returns, opened once per process.

        Its parameters are other resources: ``async def open_bank(settings: Settings) -> AsyncIterator[Bank]``. The code
        after the ``yield`` of a generator runs when the process ends. Raises `ResourceInvalid`.
        """

        def record(function: Function) -> Function:
            self.declare(Resource(kind=kind_of(function), open=function, statuses=tuple(statuses)))
            return function

        return record

    def lifespan(self) -> Callable[[Function], Function]:
        """Run the function in every process that serves the app: web workers, consumers, and `headwater dev`.

        An asynchronous generator runs up to its ``yield`` at the start, before anything is served, and continues at the
        end. A coroutine function runs at the start only. Its parameters are resources.
        """

        def record(function: Function) -> Function:
            self.declare(Hook(run=function))
            return function

        return record
