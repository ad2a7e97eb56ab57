"""The command line: thin commands over the packages below."""

from headwater.cli.main import main

__all__ = ["main"]
