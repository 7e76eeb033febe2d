"""`grantline serve`: the whole authority as one command, its processes supervised; or one of them with `--role`."""

import asyncio
import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.app import roles
from grantline.cli.options import DEFAULT_DATA, ConfigOption, DataOption
from grantline.cli.supervisor import Child, Supervisor
from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.authorization.keys import KeySettings
    from grantline.settings import ServerSettings, Settings


def serve(
    data: DataOption = DEFAULT_DATA,
    config: ConfigOption = None,
    role: Annotated[
        str | None,
        typer.Option(
            help="Run this process alone, for a service manager of yours: signer, ledger, sinks, authority, gateway."
        ),
    ] = None,
    gateway: Annotated[
        list[str] | None, typer.Option(help="Id of a gateway to run beside them; may be repeated.")
    ] = None,
) -> None:
    """Serve the instance in the data directory until Ctrl-C or SIGTERM. Nothing is left running."""
    from grantline.app.sockets import require_short_paths
    from grantline.ledger.sinks.settings import require_sound
    from grantline.settings import load

    settings = load(config)
    refuse_open_address(settings.server)
    require_sound(settings.sinks)
    require_short_paths(data, settings.fronts)
    gateways = tuple(gateway or ())
    if role is None:
        asyncio.run(_supervise(data, config, gateways, settings))
    elif role not in roles.ROLES:
        raise InvalidConfiguration(f"--role {role}: there are {', '.join(roles.ROLES)}")
    elif (role == "gateway") != (len(gateways) == 1):
        raise InvalidConfiguration("--role gateway takes exactly one --gateway ID, and no other role takes any")
    else:
        become = roles.command(role, data, config, gateways[0] if gateways else None)
        os.execv(become[0], become)  # noqa: S606 - our own program, in the place of this one


def refuse_open_address(server: "ServerSettings") -> None:
    """Beyond loopback, tokens and passwords travel: that takes TLS here, or a proxy that ends it.

    Raises `InvalidConfiguration`.
    """
    if bool(server.tls_certificate) != bool(server.tls_key):
        raise InvalidConfiguration("$.server: tls_certificate and tls_key go together")
    if not is_loopback(server.host) and not server.tls_certificate and not server.behind_proxy:
        raise InvalidConfiguration(
            f"$.server.host: {server.host} can be reached from other machines. "
            "Set tls_certificate and tls_key, or behind_proxy = true where your proxy ends TLS."
        )


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches; a name other than localhost may mean anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def plan(data: Path, config: Path | None, gateways: tuple[str, ...], *, sinks: bool = False) -> list[Child]:
    """The processes of one instance, in the order of their start. `sinks`: somebody is to get entries."""
    alone = [role for role in roles.ROLES if role != "gateway" and (sinks or role != "sinks")]
    children = [Child(role, roles.command(role, data, config, None)) for role in alone]
    children += [Child(f"gateway {name}", roles.command("gateway", data, config, name)) for name in gateways]
    return children


async def _supervise(data: Path, config: Path | None, gateways: tuple[str, ...], settings: "Settings") -> None:
    from grantline.app.database import choose
    from grantline.app.duties import duties
    from grantline.app.privileges import acting_as
    from grantline.app.ready import stop_on_signals
    from grantline.app.setup import admit
    from grantline.model.ids import GatewayId

    prepare(data, settings.ledger.signer_user, settings.keys)
    parts = duties(data, settings.ledger.signer_user)
    with acting_as(parts.others):
        # Remembered before anything opens the state: what follows knows the data directory only.
        choose(data, settings.storage)
        await admit(data, tuple(GatewayId(name) for name in gateways))
    _say(parts.sentence)
    if settings.keys.passphrase_file is None:
        _say("The authority's root key lies in clear in its directory: set keys.passphrase_file to wrap it.")
    supervisor = Supervisor(plan(data, config, gateways, sinks=bool(settings.sinks)), _say)
    stop = asyncio.Event()
    stop_on_signals(stop)

    async def pass_on() -> None:
        await stop.wait()
        supervisor.stop()

    def started() -> None:
        _say(f"Serving as {called(settings.server)}. Ctrl-C stops everything.")
        tell_enrolment(data)

    passing = asyncio.create_task(pass_on())
    try:
        await supervisor.run(started)
    finally:
        passing.cancel()


def prepare(data: Path, signer_user: str = "", keys: "KeySettings | None" = None) -> None:
    """The data directory, closed to everybody else, with its keys and without an earlier run's link.

    `signer_user`, `keys`: as in the settings; what is there is handed to whoever will run over it.
    """
    from grantline.app.duties import duties, hand_over_all, require_reach
    from grantline.app.places import Places
    from grantline.app.privileges import acting_as
    from grantline.app.setup import prepare as make_keys

    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if data.stat().st_mode & 0o077:
            raise InvalidConfiguration(f"{data} can be read by others; run: chmod 700 {data}")
        parts = duties(data, signer_user)
        require_reach(parts, data)
        hand_over_all(parts, data)
        with acting_as(parts.others):
            (data / "run").mkdir(exist_ok=True, mode=0o700)
            Places(data).enrolment_link.unlink(missing_ok=True)
            make_keys(data, keys)
    except OSError as error:
        place = error.filename or data
        raise InvalidConfiguration(f"--data {data} cannot be used: {place}: {error.strerror}") from error


def called(server: "ServerSettings") -> str:
    """The URL to tell; with port 0 only the authority knows it."""
    return server.issuer or (f"http://localhost:{server.port}" if server.port else "http://localhost, on a free port")


def tell_enrolment(data: Path) -> None:
    """Print the link that the authority wrote because its store holds nobody yet."""
    from grantline.app.places import Places

    link = Places(data).enrolment_link
    if link.exists():
        _say(f"Nobody can sign in yet. Make the first operator within 30 minutes: {link.read_text().strip()}")
        _say(f"The link works once, from this machine; it also stands in {link}.")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
