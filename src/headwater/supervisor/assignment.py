"""An assignment: the role of a child process. It is the child's only argument, as JSON."""

import msgspec


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Settings are not part of it: they are passed in the environment, where other users cannot read passwords."""

    role: str
    """``relay``, ``web``, ``consumer``, ``dev``, or ``part``: a process that a part of the backend brings."""
    process: str = ""
    """Which process of a part."""
    number: int = 1
    """Counts from 1 among those of the role."""
    of: int = 1
    """How many there are of the role."""
    backend: str
    """``module:name``."""
    lifeline: int = -1
    """The descriptor of the child's end of its lifeline."""
    listener: int = -1
    """The descriptor of the listening socket, for those who serve HTTP."""

    @property
    def name(self) -> str:
        if self.role == "part":
            return f"{self.process} {self.number}" if self.of > 1 else self.process
        return f"{self.role} {self.number}" if self.role in ("web", "consumer") else self.role

    @property
    def serves(self) -> bool:
        return self.role in ("web", "dev")
