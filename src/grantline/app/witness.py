"""The witness process: somebody else's memory of a log, on a machine of theirs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from grantline.app.web import serve
from grantline.crypto.note import InvalidNote, VerifierKey
from grantline.ledger.witness.keeper import Witness
from grantline.ledger.witness.service import WitnessApp
from grantline.model.clock import SystemClock
from grantline.model.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True)
class WitnessPlan:
    """`logs`: files that hold a log's key each. Without `certificate` and `key` it speaks plain HTTP."""

    directory: Path
    name: str
    logs: Sequence[Path]
    host: str = "127.0.0.1"
    port: int = 8490
    certificate: Path | None = None
    key: Path | None = None


def open_witness(plan: WitnessPlan) -> Witness:
    """Raises `InvalidConfiguration` for a key that cannot be read, and if another witness has the directory."""
    if (plan.certificate is None) != (plan.key is None):
        raise InvalidConfiguration("--tls-certificate and --tls-key go together")
    try:
        return Witness(plan.directory, plan.name, [_log(path) for path in plan.logs], SystemClock())
    except ValueError as error:
        raise InvalidConfiguration(f"--name: {error}") from error
    except InvalidNote as error:
        raise InvalidConfiguration(f"{plan.directory}: what was kept of a log does not fit its key: {error}") from error


def _log(path: Path) -> VerifierKey:
    try:
        return VerifierKey.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfiguration(f"{path}: {error.strerror}") from error
    except (InvalidNote, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path}: not the key of a log: {error}") from error


async def run(plan: WitnessPlan, ready: Callable[[Witness], None], stop: asyncio.Event) -> None:
    """Serve until `stop`."""
    witness = open_witness(plan)
    try:
        config = uvicorn.Config(
            WitnessApp(witness),
            host=plan.host,
            port=plan.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=plan.certificate,
            ssl_keyfile=plan.key,
            timeout_graceful_shutdown=3,
        )
        await serve(config, (), lambda: ready(witness), stop)
    finally:
        witness.close()
