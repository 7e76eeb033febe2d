"""`grantline gateway …`: let gateways in, see them, take them out, and write the configuration of their Envoy."""

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption, JsonOption, run

if TYPE_CHECKING:
    from grantline.model.feed import Position
    from grantline.signals import EnrolledGateway

app = typer.Typer(no_args_is_help=True, help="Gateways: enrol, list, remove, configure their proxies.")


@app.command("token")
def token(gateway: Annotated[str, typer.Argument(help="Id of the gateway.")], data: DataOption = DEFAULT_DATA) -> None:
    """Print a one-time token by which GATEWAY may enrol within half an hour."""
    typer.echo(run(_token(data, gateway)))


@app.command("list")
def list_gateways(data: DataOption = DEFAULT_DATA, json: JsonOption = False) -> None:
    """List enrolled gateways: id, key thumbprint, since when; with --json their public keys too, for APIs to pin."""
    from grantline.cli.tables import print_json

    found = run(_enrolled(data))
    if json:
        print_json(found)
        return
    for one in found:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.enrolled_us / 1_000_000))
        typer.echo(f"{one.gateway}\t{one.thumbprint}\t{since}")


@app.command("remove")
def remove(gateway: Annotated[str, typer.Argument(help="Id of the gateway.")], data: DataOption = DEFAULT_DATA) -> None:
    """Take GATEWAY out: it admits nothing once its lease has run out, and cannot connect again."""
    run(_removed(data, gateway))
    typer.echo(f"{gateway} is removed; it admits nothing once its lease has run out.")


@app.command("new-incarnation")
def new_incarnation(data: DataOption = DEFAULT_DATA) -> None:
    """Say that the state was restored from a copy: gateways forget what they heard and take everything anew.

    Run it after a restore, before the instance serves again.
    Endings that the copy does not hold are lost: end those consents once more.
    """
    position = run(_raised(data))
    typer.echo(f"The feed is of incarnation {position.incarnation} now, at entry {position.seq}.")


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
    if (front.tls_certificate is None) != (front.tls_key is None):
        raise InvalidConfiguration(f"$.fronts: {api}: tls_certificate and tls_key go together")
    base, upstream = urlsplit(front.base), urlsplit(front.upstream)
    write_bootstrap(
        EnvoySettings(
            port=base.port or (443 if base.scheme == "https" else 80),
            host=base.hostname or "127.0.0.1",
            upstream_host=upstream.hostname or "127.0.0.1",
            upstream_port=upstream.port or 80,
            decision_socket=places.decision_socket(ApiId(api)),
            minimiser_socket=places.minimiser_socket(ApiId(api)),
            access_log=places.data / "log" / f"envoy-{api}.jsonl",
            call_timeout=settings.gateway.call_timeout_s,
            certificate=front.tls_certificate,
            key=front.tls_key,
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


async def _removed(data: Path, gateway: str) -> None:
    from grantline.app.state import open_state
    from grantline.model.clock import SystemClock
    from grantline.model.ids import GatewayId
    from grantline.signals import remove_gateway

    async with open_state(data) as state:
        await state.write(lambda tx: remove_gateway(tx, GatewayId(gateway), SystemClock(), secrets.token_bytes))


async def _raised(data: Path) -> "Position":
    from grantline.app.state import open_state
    from grantline.model.clock import SystemClock
    from grantline.signals import raise_incarnation

    async with open_state(data) as state:
        return await state.write(lambda tx: raise_incarnation(tx, SystemClock(), secrets.token_bytes))


async def _enrolled(data: Path) -> "tuple[EnrolledGateway, ...]":
    from grantline.app.state import open_state

    async with open_state(data) as state:
        return tuple(await state.read(lambda tx: tx.gateways.enrolments.gateways()))
