"""The test kit: real PostgreSQL, a database for every test, and `settle()`.

The pytest plugin is active wherever Headwater is installed. A test asks for the fixture `backend`, a `RunningBackend`.
"""

from headwater.testing.databases import Databases
from headwater.testing.running import RunningBackend

__all__ = ["Databases", "RunningBackend"]
