"""The command line: one file per command. Knows how to ask; what is done stands in the parts."""

from grantline.cli.program import main

__all__ = ["main"]
