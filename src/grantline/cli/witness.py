"""`grantline witness`: remember a log's states for others, on a machine that the log's operator does not have."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import run

if TYPE_CHECKING:
    from grantline.app.witness import WitnessPlan
    from grantline.ledger.witness.keeper import Witness


def witness(
    directory: Annotated[Path, typer.Argument(help="Where key and memory are kept; made on the first start.")],
    *,
    name: Annotated[str, typer.Option(help="Name of this witness: a host name and path without scheme.")],
    log: Annotated[list[Path], typer.Option(help="File with the key of a log to watch; may be repeated.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8490,
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None,
) -> None:
    """Watch logs: cosign a checkpoint only if it continues what was cosigned before (C2SP tlog-witness).

    Run it where the log's operator has no hand: at a customer, an auditor, another department.
    """
    from grantline.app.witness import WitnessPlan

    run(_serve(WitnessPlan(directory, name, log, host, port, tls_certificate, tls_key)))


async def _serve(plan: "WitnessPlan") -> None:
    from grantline.app.witness import run as run_witness

    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)

    def ready(witness: "Witness") -> None:
        scheme = "http" if plan.certificate is None else "https"
        typer.echo(f"witness {witness.key}\nlistens on {scheme}://{plan.host}:{plan.port}/")

    await run_witness(plan, ready, stop)
