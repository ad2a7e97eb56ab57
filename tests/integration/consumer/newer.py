"""The harness's event as newer code has it, under the same name."""

from headwater import Event


class Happened(Event, key="key", version=2):
    key: str
    number: int
