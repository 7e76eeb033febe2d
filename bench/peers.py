"""Tokens, introspection and whole flows beside other authorization servers, in one run of the harness that loads them.

    python -m bench.peers --harness DIR --targets FILE --keys KEYS [--runner PYTHON] [--rounds 5] [--secs 2]
                          [--database postgresql://… --database-pid PID] [--out FILE]

DIR holds the harness (`bench.py`), FILE its description of the peers that it has started, KEYS its key pair; PYTHON is
an interpreter with what the harness needs. Our instances are started here, one after the other, measured with the
peers in turns, and stopped: `grantline` (the authority alone on the servers' core, ledger and signer on the other, as
the peers' databases are), `grantline-one-core` (all on the servers' core) and, with `--database`,
`grantline-postgresql`. Prints a table; exit 1 when a bound does not hold. `--out` gets {"machine", "rounds", "seconds",
"rows", "found", "proofs"}: rows as in `bench.run`, `found` as the harness told it, `proofs` as `bench.proofs` did.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.machine import ROOT, facts
from bench.rows import Row, Rows, as_markdown, as_text

NAME = "peers"
NODE, DJANGO = "oidc-pg", "dot-pg"
"""The harness's names for node-oidc-provider and django-oauth-toolkit, each on PostgreSQL."""
MAIN = "grantline"
OURS = (MAIN, "grantline-one-core", "grantline-postgresql")
LEAST = {"cc_jwt": 1.9, "pkjwt": 2.3, "introspect": 3.5, "refresh": 3.4, "flow": 3.2}
"""How many times the rate of node-oidc-provider is to be held, by workload of the harness."""
OF_DJANGO = 10.0
SAID = {"cc_jwt": "client credentials, JWT", "pkjwt": "private_key_jwt", "introspect": "introspection",
        "refresh": "refresh with rotation", "flow": "code, PKCE and consent"}  # fmt: skip
LIKE = {"cc_opaque": "cc_jwt"}
"""A peer that gives no JWT is measured by the token that it gives."""
MOST_MIB = 100.0
PATIENCE_S = 60.0
SETTLES_S = 3.0
"""An authority looks for its catalog each second; what is asked of it before is no load."""


def targets(told: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """Which of our instances take part, each with what it is started by."""
    found: dict[str, tuple[str, ...]] = {OURS[0]: (), OURS[1]: ("--one-core",)}
    if told.database is not None:
        found[OURS[2]] = ("--database", told.database, "--database-pid", str(told.database_pid))
    return found


@contextmanager
def serving(name: str, arguments: tuple[str, ...], described: Path, keys: Path) -> Iterator[None]:
    """One instance, from its entry among the targets to its end."""
    command = [sys.executable, "-m", "bench.peer_target", "--name", name, "--targets", str(described)]
    process = subprocess.Popen(
        [*command, "--keys", str(keys), *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_for(name, described, process)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def _wait_for(name: str, described: Path, process: "subprocess.Popen[bytes]") -> None:
    latest = time.monotonic() + PATIENCE_S
    while name not in json.loads(described.read_text()):
        if process.poll() is not None or time.monotonic() > latest:
            raise SystemExit(f"{name} did not come to answer: {process.stderr and process.stderr.read().decode()}")
        time.sleep(0.2)


def measured(told: argparse.Namespace, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What the harness says of the peers and of us, and what `bench.proofs` says of ours, by target."""
    described, ours = folder / "targets.json", targets(told)
    known = json.loads(told.targets.read_text())
    described.write_text(json.dumps({name: known[name] for name in (NODE, DJANGO)}))
    with ExitStack() as stack:
        for name, arguments in ours.items():
            stack.enter_context(serving(name, arguments, described, told.keys))
        time.sleep(SETTLES_S)
        command = [told.runner, str(told.harness / "bench.py"), "--targets", str(described), "--keys", str(told.keys)]
        command += ["--pin", "--rounds", str(told.rounds), "--secs", str(told.secs)]
        command += ["--workloads", ",".join([*LIKE, *SAID])]
        ended = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        proofs = {name: _proofs(name, described, told.keys) for name in ours}
    return json.loads(ended.stdout), proofs


def _proofs(name: str, described: Path, keys: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.proofs", "--targets", str(described), "--keys", str(keys), "--name", name]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, Any]] = json.loads(ended.stdout)["proofs"]
    return found


def proof_rows(target: str, found: list[dict[str, Any]]) -> list[Row]:
    """The rate with a proof of possession for each request, and how it compares with the same load without one."""
    made, rates = Rows(NAME), {(one["way"], one["bound"]): one["rate"] for one in found}
    for way in dict.fromkeys(one["way"] for one in found):
        case = f"{SAID[way]}, with DPoP: {target}"
        made.add(case, "rate", rates[way, True], "requests/s")
        made.add(f"{case} beside the same without", "ratio", rates[way, True] / rates[way, False], "×")
    return made.all


def rows(found: list[dict[str, Any]]) -> list[Row]:
    """Each rate, then how many times a peer's ours is, with the bound where the design states one."""
    made, rates = Rows(NAME), _rates(found)
    for (workload, target), rate in rates.items():
        made.add(f"{SAID[workload]}: {target}", "rate", rate, "requests/s")
    for workload, said in SAID.items():
        for target in OURS:
            if (workload, target) not in rates:
                continue
            ours, bounded = rates[workload, target], target == MAIN
            for peer, least in ((NODE, LEAST[workload]), (DJANGO, OF_DJANGO)):
                if (workload, peer) in rates:
                    case = f"{said}: {target} beside {peer}"
                    made.add(case, "ratio", ours / rates[workload, peer], "×", least=least if bounded else None)
    for target in OURS:
        memory = [one["pss_mib"] for one in found if one["target"] == target]
        if memory:
            bound = MOST_MIB if target != OURS[1] else None
            made.add(f"memory of {target}", "PSS", max(memory), "MiB", most=bound)
    made.add("answers that were none", "count", sum(one["bad"] for one in found if one["target"] in OURS), "", most=0)
    return made.all


def _rates(found: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """Requests a second by workload and target."""
    rates = {}
    for one in found:
        workload = one["workload"]
        if workload in LIKE and any(
            (two["workload"], two["target"]) == (LIKE[workload], one["target"]) for two in found
        ):
            continue
        rates[LIKE.get(workload, workload), one["target"]] = one["rps"]
    return rates


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--harness", type=Path, required=True)
    parser.add_argument("--targets", type=Path, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--runner", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--secs", type=int, default=2)
    parser.add_argument("--database")
    parser.add_argument("--database-pid", type=int)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def main() -> None:
    """Measure, print, keep."""
    told = options()
    with tempfile.TemporaryDirectory(prefix="grantline-peers-") as folder:
        found, proofs = measured(told, Path(folder))
    made = [*rows(found), *(row for name, several in proofs.items() for row in proof_rows(name, several))]
    print(as_text(made), as_markdown(made), sep="\n\n")
    if told.out is not None:
        kept = {"machine": facts(), "rounds": told.rounds, "seconds": told.secs, "rows": made}
        kept |= {"found": found, "proofs": proofs}
        told.out.parent.mkdir(parents=True, exist_ok=True)
        told.out.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
    sys.exit(any(row.holds is False for row in made))


if __name__ == "__main__":
    main()
