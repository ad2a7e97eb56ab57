"""The supervisor: starts the processes of a backend in order, keeps them running, and stops them in order."""

from headwater.supervisor.errors import SupervisorError
from headwater.supervisor.home import running_state
from headwater.supervisor.locate import find_reference, load_backend
from headwater.supervisor.state import BackendState, ConsumerState

__all__ = ["BackendState", "ConsumerState", "SupervisorError", "find_reference", "load_backend", "running_state"]
