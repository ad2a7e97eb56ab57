"""The errors of finding, starting and running a backend."""

from headwater.errors import HeadwaterError


class SupervisorError(HeadwaterError):
    """The backend cannot be run."""


class BackendUnnamed(SupervisorError):
    """No backend is named: {file} has no `backend = "module:name"` under [tool.headwater]. Add it, or pass --app."""


class BackendNotFound(SupervisorError):
    """The backend {reference!r} cannot be loaded: {reason}."""


class PortInUse(SupervisorError):
    """Port {port} on {host} is in use. Choose another with HEADWATER_PORT, or stop what listens there."""


class AddressUnusable(SupervisorError):
    """Cannot listen on {host}, port {port}: {reason}."""


class OrphansLive(SupervisorError):
    """Processes of an earlier run from {home} are still running: {processes}. End them, then start again."""


class NotRunning(SupervisorError):
    """No backend runs in {home}. Set HEADWATER_HOME to the state folder of a backend that does."""


class HomeUnusable(SupervisorError):
    """The state folder {home} cannot be used: {reason}."""


class ChildFailed(SupervisorError):
    """{name} {how} before it was ready.{output}"""


class EngineUnfit(SupervisorError):
    """{reason}

    The PostgreSQL that HEADWATER_POSTGRES_URL names lacks something:

    {findings}

    `headwater doctor` shows all checks.
    """
