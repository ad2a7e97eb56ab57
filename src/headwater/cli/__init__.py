"""The command line: thin commands over what the packages below can do."""

from headwater.cli.main import main

__all__ = ["main"]
