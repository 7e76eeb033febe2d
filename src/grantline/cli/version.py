"""`grantline --version` says which code this is."""

from importlib.metadata import version as installed_version

import typer


def print_version(asked: bool) -> None:
    """Print `grantline X.Y.Z` and stop, if asked."""
    if asked:
        typer.echo(f"grantline {installed_version('grantline')}")
        raise typer.Exit
