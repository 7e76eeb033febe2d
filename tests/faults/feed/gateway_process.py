"""A gateway that only follows the feed and lets calls through, all the time. Spoken to by lines of JSON."""

import asyncio
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from grantline.crypto.custody.file import load_or_create_signing_key
from grantline.gateway.authority_client import AuthorityClient, EnrolmentRefused
from grantline.gateway.bundle import Bundle
from grantline.gateway.cutoffs import Cutoffs
from grantline.gateway.follower import Follower
from grantline.gateway.following import Following
from grantline.gateway.opaque import OpaqueTokens
from grantline.gateway.standing import Departure, Standing
from grantline.gateway.table_file import TableFile
from grantline.gateway.versions import Versions
from grantline.model.clock import SystemClock
from grantline.model.ids import ConsentId, GatewayId, opaque
from grantline.model.reasons import Reason
from tests.faults.feed.authority_process import ISSUER, commands, name_of
from tests.feed_world import claims
from tests.unit.feed.lease_runs import LeaseFromReceipt

CLOCK = SystemClock()
GRANTS = ("a", "b", "c")


class Running:
    """The process: its follower, its calls and what it answers."""

    def __init__(self, directory: Path, name: str, address: str, following: type[Following]) -> None:
        key = load_or_create_signing_key(directory / "instance.pem")
        self.client = AuthorityClient(ISSUER, GatewayId(name), key, CLOCK, secrets.token_bytes, base_url=address)
        self.findings: list[str] = []
        self.troubles: list[str] = []
        self.bundle = Bundle(self.client.bundle)
        file = TableFile(directory / "feed.json")
        self.standing = Standing(CLOCK, loaded=self.bundle.loaded)
        self.following = following(
            boot=opaque("boot", secrets.token_bytes),
            clock=CLOCK,
            workers=[self.standing],
            table=Cutoffs.restored(file.load()),
            loaded=self.bundle.loaded,
            finding=self.findings.append,
        )
        self.follower = Follower(self.following, self.client.feed, self.bundle, file, troubles=self.troubles.append)
        self.versions = Versions(self.client.version, self.bundle.key, CLOCK, failures=self.troubles.append)
        self.opaque = OpaqueTokens(self.client.token, CLOCK, misses=50, failures=self.troubles.append)
        self.last_admitted: dict[str, int] = {}
        self.admitted = 0

    async def call_all_the_time(self) -> None:
        """Some hundred calls a second, each judged where it would begin: the upstream refuses a context that ended."""
        while True:
            for grant in GRANTS:
                departure = self.standing.depart(claims(grant))
                if isinstance(departure, Departure):
                    now_us = time.time_ns() // 1_000
                    if now_us <= departure.stands.ends_us:
                        self.last_admitted[grant] = now_us
                        self.admitted += 1
                    departure.left()
                    departure.ended()
            await asyncio.sleep(0.002)

    async def do(self, command: dict[str, Any]) -> Any:
        match command["do"]:
            case "enrol":
                try:
                    await self.client.enrol(command["token"])
                except EnrolmentRefused as refused:
                    return refused.detail
                return "enrolled"
            case "follow":
                self._tasks = [
                    asyncio.ensure_future(self.follower.run()),
                    asyncio.ensure_future(self.call_all_the_time()),
                ]
            case "check":
                answer = self.standing.check(claims(command["grant"]))
                return answer.value if isinstance(answer, Reason) else "stands"
            case "opaque":
                found_claims = await self.opaque.claims(name_of(command["grant"]))
                if isinstance(found_claims, Reason):
                    return found_claims.value
                answer = self.standing.check(found_claims)
                return answer.value if isinstance(answer, Reason) else "stands"
            case "version":
                found = await self.versions.get(ConsentId(command["grant"]), 1)
                return found.value if isinstance(found, Reason) else found.consent_id
            case "told":
                position = self.following.table.position
                return {
                    "last": self.last_admitted,
                    "admitted": self.admitted,
                    "findings": self.findings,
                    "troubles": self.troubles,
                    "position": position and [position.incarnation, position.seq],
                }
        return None


async def main(directory: Path, name: str, address: str, without: str) -> None:
    following = {"nothing": Following, "send time": LeaseFromReceipt}[without]
    await commands(Running(directory, name, address, following).do, {"ready": True})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
