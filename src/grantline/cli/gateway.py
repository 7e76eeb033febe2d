"""`grantline gateway …`: let gateways in, see them, take them out, and write the configuration of their Envoy."""

import time
from pathlib import Path
from typing import Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, run

app = typer.Typer(no_args_is_help=True, help="Gateways: enrol, list, remove, configure their proxies.")


@app.command("token")
def token(gateway: Annotated[str, typer.Argument(help="Id of the gateway.")], data: DataOption = DEFAULT_DATA) -> None:
    """Print a one-time token by which GATEWAY may enrol within half an hour."""
    typer.echo(run(_token(data, gateway)))


@app.command("list")
def list_gateways(data: DataOption = DEFAULT_DATA) -> None:
    """List enrolled gateways: id, key thumbprint, since when."""
    for name, thumbprint, since in run(_enrolled(data)):
        typer.echo(f"{name}\t{thumbprint}\t{since}")


@app.command("envoy")
def envoy(
    api: Annotated[str, typer.Argument(help="API of the catalog that stands behind the Envoy.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write the bootstrap (JSON).")],
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
) -> None:
    """Write the Envoy bootstrap for API as the settings describe it: every call decided, filtered ones cut."""
    from urllib.parse import urlsplit

    from grantline.app.places import Places
    from grantline.gateway.adapters.envoy_config import EnvoySettings, write_bootstrap
    from grantline.model.errors import InvalidConfiguration
    from grantline.model.ids import ApiId
    from grantline.settings import load

    settings, places = load(config), Places(data.resolve())
    front = next((one for one in settings.fronts if one.api == api), None)
    if front is None:
        raise InvalidConfiguration(f'$.fronts: no table has api = "{api}"')
    base, upstream = urlsplit(front.base), urlsplit(front.upstream)
    write_bootstrap(
        EnvoySettings(
            port=base.port or 80,
            host=base.hostname or "127.0.0.1",
            upstream_host=upstream.hostname or "127.0.0.1",
            upstream_port=upstream.port or 80,
            decision_socket=places.decision_socket(ApiId(api)),
            minimiser_socket=places.minimiser_socket(ApiId(api)),
            access_log=places.data / "log" / f"envoy-{api}.jsonl",
            call_timeout=settings.gateway.call_timeout_s,
        ),
        out,
    )
    typer.echo(f"{out}: run it with envoy --config-path {out}")


async def _token(data: Path, gateway: str) -> str:
    from grantline.app.setup import gateway_token
    from grantline.app.state import open_state
    from grantline.model.ids import GatewayId

    async with open_state(data) as state:
        return await state.write(lambda tx: gateway_token(tx, GatewayId(gateway)))


async def _enrolled(data: Path) -> list[tuple[str, str, str]]:
    from grantline.app.state import open_state

    async with open_state(data) as state:
        found = await state.read(lambda tx: tx.gateways.enrolments.gateways())
    return [
        (one.gateway, one.thumbprint, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.enrolled_us / 1_000_000)))
        for one in found
    ]
