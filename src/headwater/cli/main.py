"""The commands and their order in the help; each is imported when it is run."""

import os
import sys
from importlib.metadata import version

from cyclopts import App, Group

from headwater.cli.own import add_own_commands
from headwater.errors import HeadwaterError

RUN = Group("Run", sort_key=1)
SHAPE = Group("Look and prepare", sort_key=2)
LOG = Group("The log", sort_key=3)

cli = App(
    name="headwater",
    help="Headwater: commit once; everything downstream follows.",
    help_epilogue=(
        "The backend is the one that pyproject.toml names under [tool.headwater], or --app module:name. "
        "Settings are HEADWATER_ variables: see `headwater settings`."
    ),
    help_format="plaintext",
    version=lambda: version("headwater"),
)
cli.command("headwater.cli.run:up", help="Run the whole backend: engines, relay, web, consumers.", group=RUN)
cli.command("headwater.cli.run:dev", help="Run it in one process, starting anew when a file changes.", group=RUN)
cli.command("headwater.cli.run:status", help="Show what the backend that runs here is doing.", group=RUN)
cli.command("headwater.cli.new:new", help="Write a small project that runs and passes its tests.", group=SHAPE)
cli.command("headwater.cli.migrate:migrate", help="Apply migrations, or say which are missing.", group=SHAPE)
cli.command("headwater.cli.doctor:doctor", help="Say what the engines lack, and what mends it.", group=SHAPE)
cli.command("headwater.cli.psql:psql", help="Open psql on the backend's database.", group=SHAPE)
cli.command("headwater.cli.show:openapi", help="Print the OpenAPI document.", group=SHAPE)
cli.command("headwater.cli.show:settings", help="Print every setting and its value.", group=SHAPE)
api = App(name="api", help="The document of the API.", help_format="plaintext", group=SHAPE)
cli.command(api)
api.command("headwater.cli.api:show", help="Print the OpenAPI document of a version, or write it to a file.")
api.command("headwater.cli.api:diff", help="Say what changed since a document, and fail on what breaks clients.")
api.command("headwater.cli.api:client", help="Write a typed Python client of the API.")
log = App(name="log", help="Read the log and look after its consumers.", help_format="plaintext", group=LOG)
cli.command(log)
log.command("headwater.cli.log:tail", help="Print the entries of the log, one JSON object a line.")
log.command("headwater.cli.log:status", help="Show position, size, WAL held, and each consumer's lag.")
log.command("headwater.cli.log:parked", help="List the keys that wait for a person, and why.")
log.command("headwater.cli.log:retry", help="Try a parked key again.")
log.command("headwater.cli.log:drop", help="Forget the failed event of a parked key, and go on behind it.")
log.command("headwater.cli.log:repartition", help="Split the log into another number of partitions from here on.")
log.command("headwater.cli.log:replay", help="Run a consumer's handler over the log again, under a new name.")
log.command("headwater.cli.log:forget", help="Remove a consumer that no code has any more.")
log.command("headwater.cli.log:reconcile", help="After a gap: see which rows changed in it, then open a new epoch.")


def main() -> None:
    """Exit status 0 when done, 1 when Headwater could not do it, 2 for a command line that makes no sense."""
    try:
        add_own_commands(cli, sys.argv[1:])
        cli()
    except HeadwaterError as error:
        sys.exit(f"headwater: {error}")
    except BrokenPipeError:  # whoever read our output has seen enough; nothing is to be flushed to them at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
