"""The commands and their order in the help; each is imported when it runs."""

import os
import sys
from importlib.metadata import version

from cyclopts import App, Group

from headwater.cli.own import add_own_commands
from headwater.errors import HeadwaterError

RUN = Group("Run", sort_key=1)
SHAPE = Group("Inspect and prepare", sort_key=2)
LOG = Group("The log", sort_key=3)

cli = App(
    name="headwater",
    help="Headwater: commit once; everything downstream follows.",
    help_epilogue=(
        "The backend is named by pyproject.toml under [tool.headwater], or by --app module:name. "
        "Settings are HEADWATER_ variables: see `headwater settings`."
    ),
    help_format="plaintext",
    version=lambda: version("headwater"),
)
cli.command("headwater.cli.run:up", help="Run the whole backend: engines, relay, web, consumers.", group=RUN)
cli.command("headwater.cli.run:dev", help="Run it in one process, restarting when a file changes.", group=RUN)
cli.command("headwater.cli.run:status", help="Show the processes of the backend that runs here.", group=RUN)
cli.command("headwater.cli.new:new", help="Create a small project that runs and passes its tests.", group=SHAPE)
cli.command("headwater.cli.migrate:migrate", help="Apply migrations, or list those that are missing.", group=SHAPE)
cli.command("headwater.cli.doctor:doctor", help="Check the engines, and say how to fix what is missing.", group=SHAPE)
cli.command("headwater.cli.psql:psql", help="Open psql on the backend's database.", group=SHAPE)
cli.command("headwater.cli.show:openapi", help="Print the OpenAPI document.", group=SHAPE)
cli.command("headwater.cli.show:settings", help="Print every setting and its value.", group=SHAPE)
api = App(name="api", help="The OpenAPI document of the API.", help_format="plaintext", group=SHAPE)
cli.command(api)
api.command("headwater.cli.api:show", help="Print the OpenAPI document of a version, or write it to a file.")
api.command("headwater.cli.api:diff", help="Compare documents; fail on a change that breaks clients.")
api.command("headwater.cli.api:client", help="Generate a typed Python client of the API.")
log = App(name="log", help="Read the log and manage its consumers.", help_format="plaintext", group=LOG)
cli.command(log)
log.command("headwater.cli.log:tail", help="Print the entries of the log, one JSON object per line.")
log.command("headwater.cli.log:status", help="Show position, size, WAL held, and each consumer's lag.")
log.command("headwater.cli.log:parked", help="List the keys that are set aside, and why.")
log.command("headwater.cli.log:retry", help="Retry a parked key.")
log.command("headwater.cli.log:drop", help="Drop the failed event of a parked key, and continue after it.")
log.command("headwater.cli.log:repartition", help="Change the number of partitions of the log from here on.")
log.command("headwater.cli.log:replay", help="Run a consumer's handler over the log again, under a new name.")
log.command("headwater.cli.log:forget", help="Remove a consumer that is no longer in the code.")
log.command("headwater.cli.log:reconcile", help="After a gap: show the rows changed in it, or open a new epoch.")


def main() -> None:
    """Exit status 0 on success, 1 on failure, 2 for an invalid command line."""
    try:
        add_own_commands(cli, sys.argv[1:])
        cli()
    except HeadwaterError as error:
        sys.exit(f"headwater: {error}")
    except BrokenPipeError:  # the reader of our output is gone; do not fail again when flushing at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
