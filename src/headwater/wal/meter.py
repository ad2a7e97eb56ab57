"""The meter of the relay: counts its log events. These come once per append at most, so entries cost nothing more."""

from collections.abc import Callable
from typing import Any, Final

from headwater.observe import Metrics, listen
from headwater.wal.acknowledgement import StandbyCaughtUp, StandbyGivenUp
from headwater.wal.assembler import MalformedEvent, RefusedMessage
from headwater.wal.occurrences import Appended, GateClosed, GatePassed, RelayInterrupted, RelayStarted

ENTRIES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
APPEND_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
GATE_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class RelayMeter:
    """Counts what the relay of this process reports, on `metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self._up = metrics.gauge("headwater_relay_up", "1 while the relay runs, 0 while it tries to start.")
        self._transactions = metrics.counter(
            "headwater_relay_transactions_total", "Transactions that the log has moved over."
        )
        self._entries = metrics.counter("headwater_relay_entries_total", "Entries appended to the log.")
        self._append_entries = metrics.histogram("headwater_relay_append_entries", "Entries of one append.", ENTRIES)
        self._append_seconds = metrics.histogram(
            "headwater_relay_append_duration_seconds", "Seconds that an append to the log took.", APPEND_SECONDS
        )
        self._gate_seconds = metrics.histogram(
            "headwater_relay_gate_duration_seconds",
            "Seconds until a commit in the WAL became visible to others.",
            GATE_SECONDS,
        )
        self._gate_closed = metrics.gauge(
            "headwater_relay_gate_closed", "1 while the relay has waited long for a commit to become visible."
        )
        self._starts = metrics.counter("headwater_relay_starts_total", "How often a relay took over the log.")
        self._interruptions = metrics.counter(
            "headwater_relay_interruptions_total", "How often the relay lost its connections or its slot."
        )
        self._malformed = metrics.counter(
            "headwater_relay_malformed_total", "Messages with the prefix of events that are not valid events."
        )
        self._given_up_standbys = metrics.gauge(
            "headwater_relay_standbys_given_up", "Standbys that the relay no longer waits for: do not promote them."
        )
        self._given_up: set[str] = set()

    def listen(self) -> Callable[[], None]:
        """Count from now on; returns a function that ends it."""
        return listen(
            {
                Appended: self._appended,
                GateClosed: self._closed,
                GatePassed: self._passed,
                RelayStarted: self._started,
                RelayInterrupted: self._interrupted,
                MalformedEvent: self._met_malformed,
                RefusedMessage: self._met_malformed,
                StandbyGivenUp: self._gave_up,
                StandbyCaughtUp: self._caught_up,
            }
        )

    def _appended(self, appended: Appended) -> None:
        self._transactions.add(appended.transactions)
        if appended.entries:  # a heartbeat has none
            self._entries.add(appended.entries)
            self._append_entries.observe(appended.entries)
            self._append_seconds.observe(appended.seconds)

    def _closed(self, closed: GateClosed) -> None:
        self._gate_closed.set(1)

    def _passed(self, passed: GatePassed) -> None:
        self._gate_closed.set(0)
        self._gate_seconds.observe(passed.waited_seconds)

    def _started(self, started: RelayStarted) -> None:
        self._up.set(1)
        self._starts.add()
        self._note_given_up(set())  # it waits for all of them again

    def _interrupted(self, interrupted: RelayInterrupted) -> None:
        self._up.set(0)
        self._gate_closed.set(0)
        self._interruptions.add()

    def _met_malformed(self, malformed: Any) -> None:
        self._malformed.add()

    def _gave_up(self, given_up: StandbyGivenUp) -> None:
        self._note_given_up(self._given_up | set(given_up.slots))

    def _caught_up(self, caught_up: StandbyCaughtUp) -> None:
        self._note_given_up(self._given_up - set(caught_up.slots))

    def _note_given_up(self, slots: set[str]) -> None:
        self._given_up = slots
        self._given_up_standbys.set(len(slots))
