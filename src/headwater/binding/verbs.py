"""The verbs of binding: decorators that record what is provided to handlers, and what runs at start and end."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headwater.binding.function import kind_of, provider_of
from headwater.binding.resource import Hook, Resource
from headwater.part import Part

Function = TypeVar("Function", bound=Callable[..., Any])


class BindingVerbs(Part):
    """Records what an app provides by type. The decorators return the function unchanged."""

    def provide(self, *, statuses: Sequence[int] = ()) -> Callable[[Function], Function]:
        """Provide the type that the function returns, made anew for each request, delivery or whatever asks for it.

        Its parameters are bound as a handler's are: ``async def find_basket(request: Request, db: Db) -> Basket``. It
        may raise a `Problem`; `statuses` are those beyond the usual, for the documentation. A generator yields the
        value, and is finished when the call is over. Raises `ResourceInvalid`.
        """

        def record(function: Function) -> Function:
            self.declare(provider_of(function, tuple(statuses)))
            return function

        return record

    def resource(self, *, statuses: Sequence[int] = ()) -> Callable[[Function], Function]:
        """Provide the type that the function returns, opened once per process.

        Its parameters are other resources: ``async def open_bank(settings: Settings) -> AsyncIterator[Bank]``. What
        stands behind the ``yield`` of a generator closes it when the process ends. Raises `ResourceInvalid`.
        """

        def record(function: Function) -> Function:
            self.declare(Resource(kind=kind_of(function), open=function, statuses=tuple(statuses)))
            return function

        return record

    def lifespan(self) -> Callable[[Function], Function]:
        """Run the function in every process that serves the app: web workers, consumers, and `headwater dev`.

        An asynchronous generator is run up to its ``yield`` at the start, before anything is served, and from there at
        the end; a coroutine function at the start only. Its parameters are resources.
        """

        def record(function: Function) -> Function:
            self.declare(Hook(run=function))
            return function

        return record
