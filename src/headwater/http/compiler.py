"""The compiler: from a route to an operation, by the declarations of the parts, without open resources."""

from collections.abc import Iterable

from headwater.binding import Providers
from headwater.http.binding.binding import Binding
from headwater.http.binding.rendering import compile_rendering
from headwater.http.route.route import Route
from headwater.http.route.signature import Adapt, read_signature
from headwater.http.step.operation import Draft, Operation, Within
from headwater.http.step.step import (
    AnswerFields,
    Execution,
    Refinement,
    Rewrite,
    Step,
    TransactionStep,
    in_order,
)
from headwater.part import Declarations


class Compiler:
    """Compiles routes; `steps` are those of all parts, in the order in which they run."""

    def __init__(self, declared: Declarations) -> None:
        self.declared = declared
        self.providers = Providers(declared)
        self.steps = in_order(declared.of(Step))
        self.executions = {each.verb: each for each in declared.of(Execution)}
        self.within = declared.of(TransactionStep)
        self._rewrites = declared.of(Rewrite)
        self._fields = declared.of(AnswerFields)
        self._refinements = declared.of(Refinement)

    def operation(self, route: Route, adapt: Adapt | None = None) -> Operation:
        """The operation of a route; raises a `HandlerError` that names the handler and the fix.

        `adapt` converts the handler's signature to that of an older version of the API.
        """
        for each in self._rewrites:
            route = each.rewrite(route, self.providers)
        draft = self._draft(route, adapt)
        within = [planned for each in self.within if (planned := each.plan(draft)) is not None]
        for planned in within:
            _note_provided(draft, planned.binding)
        operation = self._operation(draft, within)
        for step in self.steps:
            decided = step.plan(operation)
            if decided is not None:
                operation.note(decided)
                operation.steps.append((step, decided))
        return operation

    def operations(self, routes: Iterable[Route]) -> list[Operation]:
        """One for each, in the same order."""
        return [self.operation(route) for route in routes]

    def _draft(self, route: Route, adapt: Adapt | None) -> Draft:
        signature = read_signature(route)
        if adapt is not None:
            signature = adapt(route, signature)
        binding = Binding(route, signature, self.providers)
        draft = Draft(route=route, signature=signature, binding=binding, providers=self.providers, adapt=adapt)
        _note_provided(draft, binding)
        return draft

    def _operation(self, draft: Draft, within: list[Within]) -> Operation:
        fields = [field for each in self._fields for field in each.of(draft.route)]
        rendering = compile_rendering(draft.route, draft.signature, fields)
        for each in self._refinements:
            rendering = each.refine(draft, rendering)
        return Operation(
            route=draft.route,
            signature=draft.signature,
            binding=draft.binding,
            providers=draft.providers,
            adapt=draft.adapt,
            notes=draft.notes,
            rendering=rendering,
            within=tuple(within),
            execution=self.executions[draft.route.verb],
        )


def _note_provided(draft: Draft, binding: Binding | None) -> None:
    """Record the facts of a handler's providers before any step is planned."""
    if binding is not None:
        for fact in binding.facts(object):
            draft.note(fact)
