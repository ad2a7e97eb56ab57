"""The main program of a child: runs its assignment, and ends on request or when its supervisor has ended."""

import asyncio
import logging
import signal
import sys
from functools import partial
from typing import NoReturn

import msgspec
import uvloop
from setproctitle import setproctitle

from headwater.errors import HeadwaterError
from headwater.observe.lines import write_lines
from headwater.observe.linewriter import standard_error
from headwater.settings import Settings, read_settings
from headwater.supervisor.assignment import Assignment
from headwater.supervisor.lifeline import ChildEnd

FAILED = 1


def main() -> NoReturn:
    """Exit status 0 after an orderly end, else 1 with the reason as the last line of the output."""
    assignment = msgspec.json.decode(sys.argv[1], type=Assignment)
    setproctitle(f"headwater {assignment.name}")
    lifeline = ChildEnd(assignment.lifeline)
    settings = read_settings()
    write_lines(assignment.name, settings.log_level, standard_error(assignment.name).write)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(assignment, settings, lifeline))
    except HeadwaterError as error:
        logging.getLogger("headwater").error("%s", error)
        sys.exit(FAILED)
    except Exception:
        logging.getLogger("headwater").exception("ended by an error that nobody expected")
        sys.exit(FAILED)
    sys.exit(0)


async def _live(assignment: Assignment, settings: Settings, lifeline: ChildEnd) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    lifeline.on_cut(partial(loop.call_soon_threadsafe, stop.set))

    from headwater.supervisor import roles  # imports that only a role needs come after the process has its name

    await roles.ROLES[assignment.role](assignment, settings, stop, lifeline.say_ready)


if __name__ == "__main__":
    main()
