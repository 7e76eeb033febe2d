"""`grantline check CATALOG`: what is doubtful in a catalog, said before anybody relies on it."""

from pathlib import Path
from typing import Annotated

import typer


def check(catalog: Annotated[Path, typer.Argument(help="The catalog file (TOML).")]) -> None:
    """Read a catalog as strictly as the authority would. Exit code 1 and one line for each finding."""
    from grantline.catalog import load_catalog

    loaded = load_catalog(catalog)
    typer.echo(f"{catalog} is sound (hash {loaded.hash}).")
