"""What the endpoints of one process share about its load."""

import msgspec

from headwater.http.load.deadline import DEFAULT_SECONDS
from headwater.http.load.slots import SlotsByRoute


class Load(msgspec.Struct, frozen=True):
    """`deadline` is in seconds, of the routes that name none; 0 for no end. `slots` are those of all routes."""

    deadline: float = DEFAULT_SECONDS
    slots: SlotsByRoute = msgspec.field(default_factory=SlotsByRoute)
