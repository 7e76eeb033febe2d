"""The beats: connect, read, be refused, refresh, stop three times under load, verify, tamper."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from demo.play.beats import Facts, expect
from demo.play.clockwork import freeze, kill
from demo.play.report import Reporter
from demo.play.visitor import STOPPED, Visitor
from demo.world import World
from grantline.app.state import open_state
from grantline.model.feed import Closure, ClosureState
from grantline.model.ids import ConsentId

RATE = 200
GRANTED = {"date", "amount", "category", "merchant.name"}
BANK_GATEWAY = "--role gateway --gateway bank"
CALENDAR = "demo.calendar"
FROZEN_S = 10.0
LEASE_MS = 2_000
# Lease 2,000 ms, 5 % for clocks that drift, 100 ms for the upstreams' clocks; then the closure's own commit.
BOUND_MS = LEASE_MS * 105 // 100 + 100 + 100
QUIET_S = 2.5
BACK_WITHIN_S = 30.0


class Story:
    """One run of it. Every beat raises `Failed` when what it claims is not seen."""

    def __init__(self, world: World, reporter: Reporter, browser: Browser, pictures: Path) -> None:
        self._world = world
        self._browser = browser
        self._pictures = pictures
        self.reporter = reporter
        self._visitor: Visitor | None = None
        self._ended: list[ConsentId] = []
        self.screenshots: list[str] = []

    def beats(self) -> list[tuple[str, Callable[[], Awaitable[Facts]]]]:
        """Name and act of each, in order."""
        return [
            ("connect, narrowed on the way", self.connect),
            ("a call returns exactly the granted fields", self.exact_fields),
            ("a field, a purpose and an account outside are refused with their reason", self.refused),
            ("a refresh gives a new token for the same consent", self.refresh),
            (f"stop under {RATE} calls a second", self.stop_healthy),
            (f"stop while one gateway stands still for {FROZEN_S:.0f} s", self.stop_frozen),
            ("stop while one gateway is killed and started again", self.stop_restarted),
            ("the ledger verifies", self.verifies),
            ("one tampered byte is found", self.tampered),
        ]

    # Reading

    async def connect(self) -> Facts:
        """The app asks for six kinds of fields and a change; the person allows four fields of one account."""
        visitor = await self._connected()
        granted = await visitor.app("/grant")
        reads = {detail["datatypes"][0]: detail for detail in granted["authorization_details"]}
        fields = set(reads["transactions"]["fields"])
        expect(fields == {"date", "amount", "category", "merchant"}, f"granted {sorted(fields)}")
        expect(reads["transactions"]["resources"] == ["acc-4821"], f"granted {reads['transactions']['resources']}")
        expect("categories" not in reads, "a change was granted that was not ticked")
        return {"grant": granted["grant_id"], "fields": sorted(fields)}

    async def exact_fields(self) -> Facts:
        """Every record has the granted fields and nothing else; the calendar too."""
        answer = await self._call("bank", "/accounts/acc-4821/transactions")
        expect(answer["status"] == 200, f"HTTP {answer['status']}: {answer['body']}")
        records = answer["body"]["transactions"]
        # A transfer has no shop: then the member that would lead to its name is null, and tells nothing.
        seen = {name for record in records for name in _flat(record) if name != "merchant"}
        expect(all(record.get("merchant", {}) is None or "name" in record["merchant"] for record in records), "a shop")
        expect(seen == GRANTED, f"the records hold {sorted(seen)}")
        expect(set(answer["body"]) <= {"transactions", "next"}, f"the answer holds {sorted(answer['body'])}")
        events = await self._call("calendar", "/events")
        expect(events["status"] == 200, f"calendar: HTTP {events['status']}: {events['body']}")
        names = {name for record in events["body"]["events"] for name in record}
        expect(names == {"start", "end"}, f"the calendar's records hold {sorted(names)}")
        return {"records": len(records), "fields": sorted(seen), "calendar_fields": sorted(names)}

    async def refused(self) -> Facts:
        """Each with its reason code, and nothing of the data."""
        asks = {
            "field_not_granted": ("/accounts/acc-4821/transactions?fields=date,iban", None),
            "purpose_mismatch": ("/accounts/acc-4821/transactions", "credit-check"),
            "resource_not_granted": ("/accounts/acc-5530/transactions", None),
        }
        seen: Facts = {}
        for reason, (path, purpose) in asks.items():
            answer = await self._call("bank", path, purpose)
            problem = answer["body"]
            expect(answer["status"] == 403, f"{path}: HTTP {answer['status']}")
            expect(problem["reason"] == reason, f"{path}: reason {problem['reason']} instead of {reason}")
            expect("insufficient_scope" in (answer["challenge"] or ""), f"{path}: challenge {answer['challenge']}")
            seen[reason] = problem["evaluation_id"]
        return seen

    async def refresh(self) -> Facts:
        """The app's own button."""
        visitor = self._here()
        before = await visitor.app("/grant")
        said = await visitor.refresh()
        after = await visitor.app("/grant")
        expect("fresh token" in said, f"the app says: {said[:80]}")
        expect(before["grant_id"] == after["grant_id"], "the refresh changed the consent")
        answer = await self._call("bank", "/accounts/acc-4821/transactions")
        expect(answer["status"] == 200, f"after the refresh: HTTP {answer['status']}")
        return {"grant": after["grant_id"]}

    # Stopping

    async def stop_healthy(self) -> Facts:
        """Both gateways acknowledge before their leases would run out; the bench says how fast on a quiet machine."""
        await self._under_load()
        facts, closure = await self._stop()
        expect(closure.state is ClosureState.CLOSED, f"the closure is {closure.state}")
        hows = {one.gateway: one.how for one in closure.gateways}
        expect(set(hows.values()) == {"acknowledged"}, f"gateways: {hows}")
        expect((closure.closed_after_us or 1 << 60) < LEASE_MS * 1_000, f"closed after {closure.closed_after_us} µs")
        return facts

    async def stop_frozen(self) -> Facts:
        """The one that stands still is counted out by its lease, and denies when it goes on."""
        await self._connected()
        await self._under_load()
        freezing = asyncio.create_task(freeze(BANK_GATEWAY, FROZEN_S))
        await asyncio.sleep(0.5)
        facts, closure = await self._stop()
        expect(closure.state is ClosureState.CLOSED, f"the closure is {closure.state}")
        hows = {one.gateway: one.how for one in closure.gateways}
        expect(hows.get("bank") == "fenced", f"gateways: {hows}")
        expect((closure.closed_after_us or 1 << 60) <= BOUND_MS * 1_000, f"closed after {closure.closed_after_us} µs")
        await freezing
        await self._denies_again()
        return facts

    async def stop_restarted(self) -> Facts:
        """The gateway that starts anew has no lease until it knows of the withdrawal."""
        await self._connected()
        await self._under_load()
        killed = kill(CALENDAR)
        facts, closure = await self._stop()
        expect(closure.state is ClosureState.CLOSED, f"the closure is {closure.state}")
        await self._denies_again()
        return {**facts, "killed_process": killed}

    async def _connected(self) -> Visitor:
        """A new profile with a narrowed consent."""
        self._visitor = await Visitor.arrive(self._browser, self._world, self._pictures)
        await self._visitor.connect("holder", wishes=("merchant name",), things=("Everyday account",), days=90)
        self.screenshots += self._visitor.screenshots
        return self._visitor

    async def _under_load(self) -> None:
        """Start the load and let it settle."""
        await self._here().app_post("/load", {"rate": RATE, "seconds": 40})
        await asyncio.sleep(2.0)

    async def _stop(self) -> tuple[Facts, Closure]:
        """Stop in the portal; then everything that is known of it."""
        visitor = self._here()
        consent = ConsentId((await visitor.app("/grant"))["grant_id"])
        before = len(visitor.screenshots)
        page = await visitor.stop_newest()
        self.screenshots += visitor.screenshots[before:]
        await asyncio.sleep(0.5)
        closure = await self._closure(consent)
        self._ended.append(consent)
        told = STOPPED.search(page["said"])
        ms = {one.gateway: None if one.after_us is None else round(one.after_us / 1_000, 1) for one in closure.gateways}
        closed_ms = None if closure.closed_after_us is None else round(closure.closed_after_us / 1_000, 1)
        return {
            "page": told.group(0) if told else page["said"][:120],
            "closed_ms": closed_ms,
            "gateways_ms": ms,
            "how": {one.gateway: one.how for one in closure.gateways},
        }, closure

    async def _closure(self, consent: ConsentId) -> Closure:
        """Its committed row; a lease may have to run out first."""
        deadline = time.monotonic() + 5
        while True:
            async with open_state(self._world.data) as state:
                found = await state.read(lambda tx: tx.gateways.closures.of_consent(consent))
            if found or time.monotonic() > deadline:
                expect(bool(found), "no closure was committed within five seconds")
                return found[-1]
            await asyncio.sleep(0.2)

    async def _denies_again(self) -> None:
        """Both gateways answer, and answer with the person's word."""
        for api, path in (("bank", "/accounts/acc-4821/transactions"), ("calendar", "/events")):
            answer = await self._until_leased(api, path)
            reason = (answer["body"] or {}).get("reason")
            expect(reason == "grant_withdrawn", f"{api} answers {answer['status']} {reason}")
        await self._here().app_post("/load", {"rate": 0, "seconds": 0})

    async def _until_leased(self, api: str, path: str) -> Facts:
        deadline = time.monotonic() + BACK_WITHIN_S
        while True:
            answer = await self._call(api, path)
            if answer["status"] not in {0, 503} or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.2)

    # The record

    async def verifies(self) -> Facts:
        """By the command, over the running instance and over an export."""
        await self.settle()
        for consent in self._ended:
            story = await self.reporter.story(consent)
            expect(story["admissions_after_closed"] == 0, f"{story['admissions_after_closed']} admissions after CLOSED")
            expect(
                story["begun_beyond_context"] == 0, f"{story['begun_beyond_context']} calls begun beyond the context"
            )
            expect(story["permits"] > 0 and story["denials"].get("grant_withdrawn", 0) > 0, "the load was not seen")
        told = _grantline("ledger", "verify", "--data", str(self._world.data))
        expect(told.returncode == 0, f"exit {told.returncode}: {told.stderr}")
        await self.export(self._world.folder / "export")
        return {"said": " ".join(told.stdout.split())}

    async def tampered(self) -> Facts:
        """One bit of one entry in a copy of the export."""
        export, copy = self._world.folder / "export", self._world.folder / "tampered"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(export, copy)
        bundle = min((copy / "tile" / "entries").rglob("*"), key=lambda path: (path.is_dir(), str(path)))
        data = bytearray(bundle.read_bytes())
        data[len(data) // 2] ^= 1
        bundle.write_bytes(data)
        told = _grantline("ledger", "verify", "--export", str(copy), "--vkey", str(export / "log.vkey"))
        expect(told.returncode == 1, f"exit {told.returncode}: {told.stdout}")
        return {"said": " ".join((told.stdout + told.stderr).split())}

    async def export(self, target: Path) -> None:
        """The log as a directory. Whoever asks has settled it before."""
        shutil.rmtree(target, ignore_errors=True)
        told = _grantline("ledger", "export", str(target), "--data", str(self._world.data))
        expect(told.returncode == 0, f"exit {told.returncode}: {told.stderr}")

    async def settle(self) -> None:
        """End the load, if one still runs, and wait until its last record is in the log."""
        if self._visitor is not None:
            await self._visitor.app_post("/load", {"rate": 0, "seconds": 0})
        await self._until_quiet()

    async def _until_quiet(self) -> None:
        """Nothing has been added to the log for a while."""
        before, now = -1, (await self.reporter.ledger.head())[0]
        while before != now:
            await asyncio.sleep(QUIET_S)
            before, now = now, (await self.reporter.ledger.head())[0]

    async def figures(self) -> Facts:
        """What the running system says of the whole story."""
        counts: dict[str, int] = {}
        async with open_state(self._world.data) as state:
            consents = await state.read(lambda tx: tx.consents.latest(limit=100))
        for consent in consents:
            for access in await self.reporter.accesses(consent.consent_id):
                key = f"{access.gateway} {access.decision}"
                counts[key] = counts.get(key, 0) + 1
        return {
            "decisions": dict(sorted(counts.items())),
            "latency_ms": self.reporter.latencies(),
            "withdrawals": [await self.reporter.story(consent) for consent in self._ended],
        }

    def _here(self) -> Visitor:
        assert self._visitor is not None
        return self._visitor

    async def _call(self, api: str, path: str, purpose: str | None = None) -> Facts:
        query = {"api": api, "path": path} | ({} if purpose is None else {"purpose": purpose})
        return await self._here().app("/raw", **query)


def _flat(record: dict[str, Any], before: str = "") -> list[str]:
    return [
        name
        for key, value in record.items()
        for name in (_flat(value, f"{before}{key}.") if isinstance(value, dict) else [before + key])
    ]


def _grantline(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "grantline", *arguments], capture_output=True, text=True, check=False)
