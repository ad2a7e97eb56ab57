"""Commands, findings of the doctor, and settings that the parts of a backend declare."""

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cyclopts import App

if TYPE_CHECKING:
    import msgspec

    from headwater.backend import Backend
    from headwater.binding import Services
    from headwater.engines import Finding
    from headwater.settings import Settings
    from headwater.upkeep import Command, Examination


def add_own_commands(cli: App, words: list[str]) -> None:
    """Add the commands of the project's backend, if the first of `words` is not a built-in command."""
    if not words or words[0].startswith("-") or words[0] in cli:
        return
    from headwater.upkeep import Command

    backend = _find_backend()
    if backend is None:
        return  # without a backend the command is unknown
    for command in backend.declared.of(Command):
        cli.command(_runner(backend, command), name=command.name, help=command.help)


async def examine_parts(settings: "Settings") -> "list[Finding]":
    """The findings of the parts of the project's backend; none without a backend."""
    from headwater.upkeep import Examination

    backend = _find_backend()
    if backend is None:
        return []
    services = backend.services(settings, name="headwater doctor")
    try:
        examinations = backend.declared.of(Examination)
        return [finding for each in examinations for finding in await _examine(each, services)]
    finally:
        await services.close()


async def _examine(examination: "Examination", services: "Services") -> "Sequence[Finding]":
    """Its findings. If it raises, that is the finding, so the others are still shown."""
    from headwater.binding.signature import location_of
    from headwater.engines import Finding

    try:
        findings: Sequence[Finding] = await services.call(examination.examine)
        return findings
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        return [Finding(ok=False, subject=location_of(examination.examine), found=found, wanted="a result")]


def own_settings_of_parts() -> "list[tuple[msgspec.Struct, str]]":
    """The settings of the parts of the project's backend, each with the prefix of its variables."""
    from headwater.upkeep import OwnSettings

    backend = _find_backend()
    declared = backend.declared.of(OwnSettings) if backend is not None else []
    return [(each.open(), each.prefix) for each in declared]


def _find_backend() -> "Backend | None":
    """The project's backend; None if there is none, or it cannot be loaded."""
    from headwater.errors import HeadwaterError
    from headwater.supervisor.locate import find_reference, load_backend

    try:
        return load_backend(find_reference())
    except HeadwaterError:
        return None


def _runner(backend: "Backend", command: "Command") -> Callable[..., Any]:
    """A function with the command's own parameters that opens the resources of its other parameters."""
    from headwater.binding.signature import by_position, read_parameters
    from headwater.engines import postgres_url
    from headwater.settings import read_settings
    from headwater.upkeep import Ran

    parameters = read_parameters(Ran(command.run))
    provided = {each.name for each in parameters if backend.provides(each.annotation)}
    function = by_position(command.run, parameters)

    async def run(given: Mapping[str, Any]) -> Any:
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

    own = [each for name, each in inspect.signature(command.run).parameters.items() if name not in provided]
    signature = inspect.Signature(own)

    def start(*arguments: Any, **named: Any) -> None:
        asyncio.run(run(signature.bind(*arguments, **named).arguments))

    start.__signature__ = signature  # type: ignore[attr-defined]
    start.__annotations__ = {each.name: each.annotation for each in own}
    start.__doc__ = command.run.__doc__
    return start
