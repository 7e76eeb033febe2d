"""This server as a target of a load harness that drives several OAuth servers by one description.

    python -m bench.peer_target --targets FILE --keys KEYS [--name grantline] [--port PORT] [--one-core]
                                [--database postgresql://… --database-pid PID]

Serves a whole instance (authority, ledger, signer as processes, as `grantline serve` runs them) and writes its entry
into the targets file: addresses, clients, the bodies of each workload, and the processes to watch. KEYS is the JSON
file with the harness's own key pair (`client_public`: JWK of its client assertions). Runs until Ctrl-C.

The authority is the server; ledger and signer keep what it did, and stand where a peer's database stands. With
`--one-core` they count as the server too. `--database-pid`: the first process of that database, counted with them.

The authority is the real one with one door more (`bench.peer_authority`). Nothing else differs from what an operator
runs, but that the limit of requests for each client is lifted.
"""

import argparse
import asyncio
import hashlib
import json
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.peer_authority import DOOR, PERSON
from grantline.cli.serve import plan
from grantline.cli.supervisor import Child, Supervisor
from grantline.crypto.custody.file import write_private
from grantline.crypto.encoding import b64url

ROOT = Path(__file__).parents[1]
CALLBACK = "http://127.0.0.1:9/cb"
SERVICE, KEYED, APP = "bench-service", "bench-keyed", "bench-app"
CLIENT_CREDENTIALS = {"grant_type": "client_credentials", "scope": "calendar.events"}


def settings_text(port: int, database: str | None) -> str:
    """What the instance is told: its address, its database, and no limit that a load would meet."""
    storage = "" if database is None else f'\n[storage]\nurl = "{database}"\n'
    return f"""[server]
port = {port}
issuer = "http://localhost:{port}"

[authorization]
requests_per_minute = 1000000000
beginnings_per_minute = 1000000000
burned_capacity = 100000000
{storage}"""


def declaration_text(secret_hash: str, jwk: dict[str, Any], password: Path) -> str:
    """Three clients, a person, and what two of the clients may do for themselves."""
    key = ", ".join(f"{name} = {json.dumps(value)}" for name, value in jwk.items())
    known = (
        f'publisher = "Harness"\nweb = "https://harness.example"\nsecret_hashes = ["{secret_hash}"]\ndpop_bound = false'
    )
    return f"""catalog = "{ROOT / "demo" / "catalog.toml"}"

[[clients]]
id = "{SERVICE}"
name = "Service"
kind = "service"
auth = "client_secret_basic"
{known}
grants = ["client_credentials"]
scopes = ["calendar.events"]

[[clients]]
id = "{KEYED}"
name = "Service with a key"
kind = "service"
auth = "private_key_jwt"
publisher = "Harness"
web = "https://harness.example"
dpop_bound = false
jwks = [{{ {key} }}]
grants = ["client_credentials"]
scopes = ["calendar.events"]

[[clients]]
id = "{APP}"
name = "App"
auth = "client_secret_basic"
{known}
redirect_uris = ["{CALLBACK}"]
grants = ["authorization_code", "refresh_token"]
scopes = ["calendar.events"]

[[people]]
username = "{PERSON}"
name = "Visitor"
password = {{ file = "{password}" }}
resource_names = {{ calendar = "{PERSON}" }}
{_service_grant(SERVICE)}{_service_grant(KEYED)}"""


def _service_grant(client: str) -> str:
    return f"""
[[service_grants]]
client = "{client}"
purpose = "budgeting"
scopes = ["calendar.events"]
"""


def entry(issuer: str, secret: str, pids: list[int], db_pids: list[int]) -> dict[str, Any]:
    """The description that the harness reads."""
    return {
        "pids": pids, "db_pids": db_pids,
        "token_url": f"{issuer}/token", "introspect_url": f"{issuer}/introspect",
        "authorize_url": f"{issuer}/authorize",
        "client_id": SERVICE, "client_secret": secret, "flow_client_id": APP, "redirect_uri": CALLBACK,
        "flow_scope": "openid calendar.events", "flow_params": {"prompt": "consent"},
        "login": [{"method": "POST", "path": DOOR, "body": ""}],
        "pkjwt_client_id": KEYED, "pkjwt_aud": issuer, "pkjwt_rate": 6000,
        "workloads": {
            "cc_jwt": {"body": CLIENT_CREDENTIALS}, "pkjwt": {"body": CLIENT_CREDENTIALS},
            "introspect": {"token_body": CLIENT_CREDENTIALS}, "refresh": {}, "flow": {},
        },
    }  # fmt: skip


def children(data: Path, config: Path) -> list[Child]:
    """The processes of the instance, the authority with its door."""
    own = (sys.executable, "-m", "bench.peer_authority", str(data), str(config))
    return [Child("authority", own) if one.name == "authority" else one for one in plan(data, config, ())]


def watched(supervisor: Supervisor, asked: argparse.Namespace) -> tuple[list[int], list[int]]:
    """The server's processes, and those of what it stores things in."""
    pids = {name: supervisor.pid(name) for name in supervisor.names()}
    if asked.one_core:
        return list(pids.values()), []
    stores = [pid for name, pid in pids.items() if name != "authority"]
    return [pids["authority"]], stores if asked.database_pid is None else [*stores, asked.database_pid]


async def run(folder: Path, asked: argparse.Namespace) -> None:
    """Set the instance up, serve it, and write its entry when it answers."""
    data, config, declared = folder / "data", folder / "grantline.toml", folder / "declared.toml"
    port, database = asked.port or free_port(), asked.database
    jwk = json.loads(asked.keys.read_text())["client_public"]
    data.mkdir(mode=0o700)
    secret, password = b64url(secrets.token_bytes(32)), folder / "password"
    write_private(password, secrets.token_urlsafe(12).encode())
    config.write_text(settings_text(port, database))
    declared.write_text(declaration_text(hashlib.sha256(secret.encode()).hexdigest(), jwk, password))
    apply = [sys.executable, "-m", "grantline", "apply", "-f", str(declared), "--data", str(data)]
    supervisor = Supervisor(children(data, config), print)

    def started() -> None:
        subprocess.run([*apply, "--config", str(config)] if database else apply, check=True)
        merged = json.loads(asked.targets.read_text()) if asked.targets.exists() else {}
        merged[asked.name] = entry(f"http://localhost:{port}", secret, *watched(supervisor, asked))
        write_whole(asked.targets, json.dumps(merged, indent=1))
        print(f"{asked.name} answers on port {port}; its entry is in {asked.targets}", flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop)
    await supervisor.run(started)


def free_port() -> int:
    """One on loopback that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def write_whole(path: Path, text: str) -> None:
    """Replace the file at once: who waits for the entry never reads half of it."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Serve an instance for a load harness.")
    parser.add_argument("--targets", type=Path)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--name", default="grantline")
    parser.add_argument("--port", type=int, help="otherwise a free one")
    parser.add_argument("--one-core", action="store_true")
    parser.add_argument("--database")
    parser.add_argument("--database-pid", type=int)
    told = parser.parse_args()
    if told.targets is None or told.keys is None:
        parser.error("--targets and --keys are needed")
    with tempfile.TemporaryDirectory(prefix="grantline-target-") as folder:
        asyncio.run(run(Path(folder), told))


if __name__ == "__main__":
    main()
