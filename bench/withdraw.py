"""How soon a withdrawal is felt: whole processes, a steady load at every gateway, one consent after the other stopped.

    python -m bench.withdraw [--withdrawals 12] [--rate 100] [--directory DIR]

`--rate`: calls a second at each of the two gateways (the bank's in a process of its own behind Envoy, the calendar's
inside the API), so 200 in all. Prints {"withdraw": {"stops": [{"grant", "denied_ms": {gateway: ms}, "answered_ms",
"closed_ms", "permits", "denials", "admissions_after_closed", "begun_beyond_context", "unrecorded", "stages_ms"}, …],
"authority_mib"}}. `denied_ms` runs from the moment the stop is posted to the first refusal that the client holds in
its hands, so it holds up to one interval of the load. `closed_ms` is the authority's own: from the stop's arrival to
CLOSED. Admissions after CLOSED, calls begun beyond their context and unrecorded ones are counted in the ledger and in
the upstreams' logs, and must be 0. `stages_ms`: until the commit, and until each gateway had applied it, from the
stop's arrival on. `authority_mib`: memory (PSS) of the authority's process after all of it.
"""

from pathlib import Path
from typing import Any

import httpx2

from bench.machine import memory_mib
from bench.person import Person
from bench.program import program
from bench.rows import Row, Rows
from bench.statistic import percentile
from bench.stops import ACCOUNT, PATHS, SCOPE, app_of, counted, stopped, told
from bench.watching import PATIENCE_S, loading
from demo.running import process_of, running
from demo.world import World
from grantline.crypto.es256 import SigningKey

NAME = "withdraw"
FULL = ("--withdrawals", "15", "--rate", "100")
QUICK = ("--withdrawals", "2", "--rate", "20")


async def run(folder: Path, withdrawals: int, rate: float) -> dict[str, Any]:
    """Start the world, stop so many consents in it, and count."""
    world, key = World.at(folder), SigningKey.generate()
    async with running(world, lambda _: None), httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        person = Person(http, world.address("authority"))
        await person.sign_in("holder", world.passwords()["holder"])
        app = app_of(world, http, key)
        tokens = [await person.allow(app, SCOPE, {"bank": ACCOUNT}) for _ in range(withdrawals + 1)]
        async with loading(world, key, rate, PATHS) as watched:
            await stopped(person, watched, tokens[0], PATHS)  # Opens connections and warms what starts cold.
            found = [await stopped(person, watched, one, PATHS) for one in tokens[1:]]
            await watched.end()
        await counted(world, found, watched)
        return {"stops": found, "authority_mib": memory_mib(process_of("--role authority"))}


def rows(samples: list[dict[str, Any]]) -> list[Row]:
    """Over all withdrawals together."""
    every, found = [one for sample in samples for one in sample["stops"]], Rows(NAME)
    told(found, every, dict.fromkeys(PATHS, 50.0))
    memory = percentile([sample["authority_mib"] for sample in samples], 50)
    found.add("memory of the authority after it", "PSS", memory, "MiB", most=100)
    return found.all


def main() -> None:
    """Measure and print."""
    program(NAME, __doc__, run, withdrawals=12, rate=100.0)


if __name__ == "__main__":
    main()
