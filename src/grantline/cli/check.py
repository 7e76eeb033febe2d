"""`grantline check CATALOG`: what is doubtful in a catalog or in how this machine would serve it, said beforehand."""

from pathlib import Path
from typing import Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption


def check(
    catalog: Annotated[Path, typer.Argument(help="The catalog file (TOML).")],
    config: ConfigOption = None,
    data: DataOption = DEFAULT_DATA,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A declaration, as for apply: its clients are read too.")
    ] = None,
) -> None:
    """Read a catalog as strictly as the authority would. Exit code 1 and one line for each finding.

    Names routes that demand what the adapter before their API cannot enforce (Envoy for a front of the settings).
    With a declaration, says which of its clients loosen their profile.
    Says whether `serve`, started by whoever asks, would keep the checkpoint key from the other processes.
    """
    from grantline.app.duties import duties
    from grantline.catalog import load_catalog
    from grantline.cli.declaration import read_declaration
    from grantline.gateway.adapters import asgi, envoy
    from grantline.gateway.demands import Adapter, beyond
    from grantline.parties import warnings
    from grantline.settings import load

    loaded, settings = load_catalog(catalog), load(config)
    fronted = {front.api for front in settings.fronts}
    proxied, inside = Adapter("Envoy", envoy.ENFORCES), Adapter("the ASGI middleware", asgi.ENFORCES)
    findings = list(beyond(loaded.file, lambda api: proxied if api in fronted else inside))
    for finding in findings:
        typer.echo(finding, err=True)
    for client in () if file is None else read_declaration(file).clients:
        for warning in warnings(client):
            typer.echo(f"warning: client {client.id}: {warning}")
    typer.echo(duties(data, settings.ledger.signer_user).sentence)
    if findings:
        raise typer.Exit(1)
    typer.echo(f"{catalog} is sound (hash {loaded.hash}).")
