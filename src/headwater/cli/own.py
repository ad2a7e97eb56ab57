"""Commands that the parts of a backend bring: found when a name is none of ours."""

import asyncio
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cyclopts import App

if TYPE_CHECKING:
    from headwater.backend import Backend
    from headwater.upkeep import Command


def add_own_commands(cli: App, words: list[str]) -> None:
    """Add the commands of the project's backend, if the first of `words` is a command that only they can have."""
    if not words or words[0].startswith("-") or words[0] in cli:
        return
    from headwater.errors import HeadwaterError
    from headwater.supervisor.locate import find_reference, load_backend
    from headwater.upkeep import Command

    try:
        backend = load_backend(find_reference())
    except HeadwaterError:
        return  # there is no backend to ask; the name is unknown
    for command in backend.declared.of(Command):
        cli.command(_runner(backend, command), name=command.name, help=command.help)


def _runner(backend: "Backend", command: "Command") -> Callable[..., Any]:
    """A function with the command's own parameters, which opens the resources that it takes beside them."""
    from headwater.binding.signature import by_position, read_parameters
    from headwater.engines import postgres_url
    from headwater.settings import read_settings
    from headwater.upkeep import Ran

    parameters = read_parameters(Ran(command.run))
    provided = {each.name for each in parameters if backend.provides(each.annotation)}
    function = by_position(command.run, parameters)

    async def run(**given: Any) -> Any:
        settings = read_settings()
        services = backend.services(
            read_settings(postgres_url=postgres_url(settings)), name=f"headwater {command.name}"
        )
        try:
            arguments = [
                await services.get(each.annotation) if each.name in provided else given.get(each.name, each.default)
                for each in parameters
            ]
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result
        finally:
            await services.close()

    def start(**given: Any) -> None:
        asyncio.run(run(**given))

    signature = inspect.signature(command.run)
    own = [each for name, each in signature.parameters.items() if name not in provided]
    start.__signature__ = signature.replace(parameters=own, return_annotation=None)  # type: ignore[attr-defined]
    start.__annotations__ = {each.name: each.annotation for each in own}
    start.__doc__ = command.run.__doc__
    return start
