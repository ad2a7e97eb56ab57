"""The output in the terminal: one screen when everything runs, one status line, and warnings and errors.

On a terminal the status line is replaced each second, and everything else is printed above it. Elsewhere there is no
status line, and warnings and errors go to standard error.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from headwater.supervisor.collector import LogLine, plain_text
from headwater.supervisor.keeper import Phase
from headwater.supervisor.screen import Row, Screen
from headwater.supervisor.state import BackendState

STYLES = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red"}


class Terminal:
    """Owns standard output and error while the backend runs."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=False)
        self._err = self._out if self._out.is_terminal else Console(stderr=True, highlight=False, soft_wrap=True)
        self._live: Live | None = None

    def show_screen(self, screen: Screen) -> None:
        self._out.print(_render_screen(screen), soft_wrap=True)

    def show_line(self, line: LogLine) -> None:
        """One log line, readable."""
        self._err.print(_render_line(line), soft_wrap=True)

    def show_error(self, message: str) -> None:
        self.close()
        self._err.print(Text.assemble(("headwater: ", "bold red"), message), soft_wrap=True)

    def show_state(self, state: BackendState) -> None:
        """Refresh the line at the bottom."""
        if not self._out.is_terminal:
            return
        if self._live is None:
            self._live = Live(console=self._out, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        self._live.update(summary(state), refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def summary(state: BackendState) -> Text:
    """The state in one line: what runs, lag, restarts, parked keys."""
    text = Text("  ", no_wrap=True, overflow="ellipsis")
    down = [each for each in state.processes if each.phase is not Phase.RUNNING]
    if down:
        text.append(", ".join(f"{each.name} {each.phase}" for each in down), "bold yellow")
    else:
        text.append(f"{len(state.processes)} processes running", "green")
    if not state.ready:
        return text
    if state.trouble is not None:
        text.append(f" · lag unknown: {state.trouble}", "yellow")
    else:
        text.append(f" · lag {sum(each.entries for each in state.consumers)}")
        if parked := sum(each.parked for each in state.consumers):
            text.append(f" · {parked} keys parked", "bold red")
    restarts = sum(each.restarts for each in state.processes)
    text.append(f" · {restarts} restart{'s' * (restarts != 1)}", "yellow" if restarts else "dim")
    text.append(" · Ctrl-C stops", "dim")
    return text


def _render_screen(screen: Screen) -> Text:
    """Its lines, without wrapping, so that commands can be copied."""
    lines = [
        Text(),
        Text.assemble((f"  {screen.title}", "bold cyan"), f" is ready after {screen.seconds:.1f} s"),
        Text(),
        *_render_rows(screen.rows),
        Text(),
        *(Text(f"  {news}") for news in screen.news),
    ]
    if screen.try_it is not None:
        lines.append(Text.assemble("  Try   ", (screen.try_it, "bold green")))
    return Text("\n").join([*lines, Text.assemble("  Stop  ", ("Ctrl-C", "bold")), Text()])


def _render_rows(rows: Sequence[Row]) -> Iterator[Text]:
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for subject, value, remark in rows:
        line = Text.assemble("  ", (f"{subject:<{first}}  ", "bold"), f"{value:<{second}}  ", (remark, "dim"))
        line.rstrip()
        yield line


def _render_line(line: LogLine) -> Text:
    time = line.at[11:19] if len(line.at) >= 19 else datetime.now().strftime("%H:%M:%S")
    style = STYLES.get(line.level, "")
    return Text.assemble((time, "dim"), f" {line.process:<12} ", (f"{line.level:<8}", style), plain_text(line).rstrip())
