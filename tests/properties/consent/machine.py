"""Consents under any order of acts, beside a model so small that it can be believed by reading it."""

import dataclasses
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from grantline.catalog import from_detail, to_detail
from grantline.consent import Approval, Consents, Manner, Offer, Picks, all_covered, enforced
from grantline.consent.lines import form_key
from grantline.consent.narrowing import covers
from grantline.crypto import jcs
from grantline.model.consent import Item, State, Version
from grantline.model.errors import Conflict, GrantlineError, InvalidGrant, InvalidRequest, NotFound
from grantline.model.events import Event
from grantline.model.feed import Entry
from grantline.model.ids import ConsentId, SubjectId
from grantline.storage.schema.shared import FEED, OUTBOX
from grantline.storage.sqlite.connection import connect
from grantline.storage.sqlite.cursor import SqliteCursor
from grantline.storage.sqlite.database import drive
from grantline.storage.sqlite.testing_schema import create_tables
from grantline.storage.statements import Statement
from tests.consent_world import BANK, DAY, HOLDER, OTHER, SCOPES, Counted, Tx, World, ceremony

CLOSED = {"iban", "counterparty"}
"""Fields that the client asks for and its ceiling does not hold."""


@cache
def _empty_store() -> bytes:
    """A store with all tables, made once."""
    with tempfile.TemporaryDirectory() as directory:
        create_tables(path := Path(directory) / "state.db")
        return path.read_bytes()


@dataclass
class Expected:
    """What the model believes of one consent. `tokens`: epochs at which a token could be had."""

    status: str = "requested"
    epoch: int = 0
    created: int = 0
    versions: list[Version] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    @property
    def ends(self) -> int:
        return self.versions[-1].expires_at

    @property
    def over(self) -> bool:
        return self.status not in {"requested", "active"}


class ConsentMachine(RuleBasedStateMachine):
    """Real rules over real SQLite; after every act, every invariant."""

    known: Bundle[ConsentId] = Bundle("known")
    reached: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "state.db"
        path.write_bytes(_empty_store())
        self.connection = connect(path)
        self.connection.execute("PRAGMA synchronous=OFF")
        self.world = World()
        self.world.client = dataclasses.replace(
            self.world.client, ceiling=tuple(_without(item, CLOSED) for item in self.world.client.ceiling)
        )
        self.consents = Consents(clock=self.world.clock, randomness=Counted())
        self.model: dict[ConsentId, Expected] = {}

    def teardown(self) -> None:
        self.reached.update(expected.status for expected in self.model.values())
        self.reached.update("amended" for expected in self.model.values() if len(expected.versions) > 1)
        self.connection.close()
        self.directory.cleanup()

    # Units, one at a time, as the writer runs them

    def unit(self, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            done = drive(act(Tx(SqliteCursor(self.connection))))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return done

    def refused(self, error: type[GrantlineError], act: Callable[[Tx], Awaitable[Any]]) -> None:
        try:
            self.unit(act)
        except error:
            return
        raise AssertionError(f"{error.__name__} was due")

    def approval(self, draw: st.DataObject) -> Approval:
        return self.world.approval(self.picks(self.world.offer(), draw))

    def picks(self, offer: Offer, draw: st.DataObject) -> Picks:
        keys = [line.key for line in offer.lines]
        least = 0 if any(line.required for line in offer.lines) else 1
        lines = draw.draw(st.sets(st.sampled_from(keys), min_size=least), label="lines")
        accounts = draw.draw(st.lists(st.sampled_from(["a1", "a2"]), min_size=1, unique=True), label="accounts")
        days = draw.draw(st.sampled_from([choice.days for choice in offer.durations]), label="days")
        return Picks(frozenset(lines), {BANK: tuple(accounts)}, days)

    @property
    def now(self) -> int:
        return self.world.clock.seconds

    # Acts

    @initialize(target=known, draw=st.data())
    def begin(self, draw: st.DataObject) -> ConsentId:
        """Every run starts with one consent that stands."""
        return self.request_and_give(draw)

    @rule(target=known, draw=st.data())
    def request_and_give(self, draw: st.DataObject) -> ConsentId:
        consent = self.request()
        self.give(consent, draw)
        return consent

    @rule(target=known)
    def request(self) -> ConsentId:
        state: State = self.unit(
            lambda tx: self.consents.request(
                tx, person=HOLDER, subject=SubjectId("s_1"), client=self.world.client.card.id,
                asked=self.world.asked, scope="",
            )
        )  # fmt: skip
        self.model[state.consent_id] = Expected(created=self.now)
        return state.consent_id

    @rule(consent=known, draw=st.data())
    def give(self, consent: ConsentId, draw: st.DataObject) -> None:
        expected, approval = self.model[consent], self.approval(draw)
        act = lambda tx: self.consents.give(  # noqa: E731
            tx, catalog=self.world.catalog, consent=consent, person=HOLDER, approval=approval
        )
        if expected.status != "requested" or self.now > expected.created + 600:
            self.refused(Conflict, act)
            return
        _, version = self.unit(act)
        expected.status, expected.epoch = "active", 1
        expected.versions.append(version)

    @rule(consent=known)
    def refuse(self, consent: ConsentId) -> None:
        act = lambda tx: self.consents.refuse(tx, consent=consent, person=HOLDER, ceremony="c")  # noqa: E731
        if self.model[consent].status != "requested":
            self.refused(Conflict, act)
            return
        self.unit(act)
        self.model[consent].status = "refused"

    @rule()
    def lapse(self) -> None:
        self.unit(self.consents.lapse_due)
        for expected in self.model.values():
            if expected.status == "requested" and expected.created <= self.now - 600:
                expected.status = "lapsed"

    @rule(consent=known, again=st.booleans())
    def withdraw(self, consent: ConsentId, again: bool) -> None:
        expected = self.model[consent]
        for _ in range(2 if again else 1):
            over = expected.over
            ending = self.unit(lambda tx: self.consents.withdraw(tx, consent=consent, person=HOLDER))
            assert (ending.entry is None) == over, "I5: a withdrawal repeated changes nothing"
            if not over:
                expected.status, expected.epoch = "withdrawn", expected.epoch + 1

    @rule(consent=known)
    def withdraw_by_another(self, consent: ConsentId) -> None:
        self.refused(NotFound, lambda tx: self.consents.withdraw(tx, consent=consent, person=OTHER))

    @rule(consent=known)
    def revoke(self, consent: ConsentId) -> None:
        expected = self.model[consent]
        act = lambda tx: self.consents.revoke(tx, consent=consent, by="operator")  # noqa: E731
        if expected.status == "requested":
            self.refused(Conflict, act)
            return
        self.unit(act)
        if not expected.over:
            expected.status, expected.epoch = "revoked", expected.epoch + 1

    @rule()
    def expire(self) -> None:
        self.unit(self.consents.expire_due)
        for expected in self.model.values():
            if expected.status == "active" and expected.ends <= self.now:
                expected.status, expected.epoch = "expired", expected.epoch + 1

    @rule(consent=known, draw=st.data(), wider=st.sampled_from(["", "field", "thing", "lookback", "end", "purpose"]))
    def amend(self, consent: ConsentId, draw: st.DataObject, wider: str) -> None:
        expected = self.model[consent]
        if not expected.versions:
            return
        last = expected.versions[-1]
        granted, ends = self.narrower(last, draw)
        if wider:
            granted, ends = _widened(last, wider)
        self.world.used += 1
        used = ceremony(self.world.used)
        act = lambda tx: self.consents.amend(  # noqa: E731
            tx, catalog=self.world.catalog, consent=consent, person=HOLDER, granted=granted, expires_at=ends,
            ceremony=used,
        )  # fmt: skip
        if expected.status != "active" or last.expires_at <= self.now:
            self.refused(Conflict, act)
        elif wider or ends <= self.now:
            self.refused(InvalidRequest, act)
        else:
            self.superseded(expected, self.unit(act))

    def narrower(self, last: Version, draw: st.DataObject) -> tuple[tuple[Item, ...], int]:
        kept = draw.draw(st.lists(st.sampled_from(last.granted), min_size=1, unique_by=id), label="items")
        items = []
        for item in kept:
            fields = draw.draw(st.sets(st.sampled_from(item.fields), min_size=1), label="fields")
            things = draw.draw(st.sets(st.sampled_from(item.resources), min_size=1), label="things")
            items.append(msgspec.structs.replace(item, fields=tuple(sorted(fields)), resources=tuple(sorted(things))))
        return tuple(items), last.expires_at - draw.draw(st.integers(0, 40), label="days less") * DAY

    @rule(consent=known, draw=st.data())
    def renew(self, consent: ConsentId, draw: st.DataObject) -> None:
        expected, approval = self.model[consent], self.approval(draw)
        act = lambda tx: self.consents.renew(  # noqa: E731
            tx, catalog=self.world.catalog, consent=consent, person=HOLDER, approval=approval
        )
        if expected.status != "active" or expected.ends <= self.now:
            self.refused(Conflict, act)
            return
        self.superseded(expected, self.unit(act))
        self.refused(Conflict, act)

    @rule(draw=st.data())
    def merge(self, draw: st.DataObject) -> None:
        self.change(draw, Manner.MERGE)

    @rule(draw=st.data())
    def replace(self, draw: st.DataObject) -> None:
        self.change(draw, Manner.REPLACE)

    def change(self, draw: st.DataObject, manner: Manner) -> None:
        """A client asks for more, or for something else, on what stands; the person answers what was put to them."""
        given = [consent for consent, expected in self.model.items() if expected.versions]
        standing = [consent for consent in given if self.model[consent].status == "active"]
        consent = draw.draw(st.sampled_from(standing or given), label="consent")
        expected = self.model[consent]
        before = expected.versions[-1]
        scopes = draw.draw(st.lists(st.sampled_from(SCOPES), min_size=1, unique=True), label="scopes")
        wanted = self.world.change(before, manner, *scopes)
        offer = self.world.offer(wanted.asked, wanted)
        picks = self.picks(offer, draw)
        approval = self.world.approval(picks, wanted)
        act = lambda tx: self.consents.renew(  # noqa: E731
            tx, catalog=self.world.catalog, consent=consent, person=HOLDER, approval=approval, why=manner.value
        )
        if expected.status != "active" or before.expires_at <= self.now:
            self.refused(Conflict, act)
            return
        self.superseded(expected, self.unit(act))
        self.changed(before, expected.versions[-1], offer, picks)

    def changed(self, before: Version, after: Version, offer: Offer, picks: Picks) -> None:
        """I7 for a change: what is wider than before was on the screen and taken there; an addition takes nothing."""
        self.reached.add("replaced" if offer.changing and offer.changing.replaces else "merged")
        if offer.changing is not None and not offer.changing.replaces:
            assert all_covered(before.granted, after.granted, open_resources=False), "I7: an addition keeps what stood"
        taken = [line for line in offer.lines if line.required or line.key in picks.lines]
        things = {thing for group in offer.resources for thing in (*picks.resources.get(BANK, ()), *group.locked)}
        for item in after.granted:
            if any(covers(one, item, open_resources=False) for one in before.granted):
                continue
            agreed = {field.id for line in taken if line.key.startswith(f"{form_key(item)}:") for field in line.fields}
            assert set(item.fields) <= agreed, "I7: a field that nobody said yes to"
            assert set(item.resources) <= things, "I7: a thing that nobody picked"

    def superseded(self, expected: Expected, amended: Any) -> None:
        expected.epoch += 1
        expected.versions.append(amended.version)

    @rule(consent=known)
    def mint(self, consent: ConsentId) -> None:
        """What a mint does first; the model alone says whether it may."""
        expected = self.model[consent]
        act = lambda tx: self.consents.require_active(tx, consent=consent)  # noqa: E731
        if expected.status != "active" or expected.ends <= self.now:
            self.refused(InvalidGrant, act)
            return
        state, version = self.unit(act)
        assert version == expected.versions[-1], "I3: a mint stands on the version that holds"
        expected.tokens.append(state.epoch)

    @rule(seconds=st.sampled_from([1, 60, 601, 5 * DAY, 40 * DAY]))
    def wait(self, seconds: int) -> None:
        self.world.clock.seconds += seconds

    @rule(consent=known, sweep=st.booleans())
    def reach_the_end(self, consent: ConsentId, sweep: bool) -> None:
        """The clock passes the end of a consent, or of its question; the sweep may be late."""
        expected = self.model[consent]
        self.world.clock.seconds = max(self.now, expected.ends if expected.versions else expected.created + 601)
        if sweep:
            self.expire()
            self.lapse()

    # What always holds

    @invariant()
    def i1_nothing_is_wider_than_anything_that_limits_it(self) -> None:
        for expected in self.model.values():
            for version in expected.versions:
                for item in version.granted:
                    asked = _one(version.requested, item)
                    ceiling = _one(self.world.client.ceiling, item)
                    permitted = self.world.catalog.permitted_fields(item)
                    for limit in (asked.fields, ceiling.fields, permitted):
                        assert set(item.fields) <= set(limit), "I1"
                    assert set(item.resources) <= {"a1", "a2"}, "I1"
                    assert item.resources, "I1"

    @invariant()
    def i2_one_version_holds_and_none_ever_changes(self) -> None:
        for consent, expected in self.model.items():
            stored: tuple[Version, ...] = self.unit(lambda tx, c=consent: tx.consents.versions(c))
            assert list(stored) == expected.versions, "I2: versions are append-only"
            state: State = self.unit(lambda tx, c=consent: tx.consents.get(c))
            assert (state.version, state.status, state.epoch) == (len(stored), expected.status, expected.epoch), "I2"
            for number, version in enumerate(stored, start=1):
                plain = msgspec.to_builtins(version)
                found = plain.pop("content_hash")
                assert (version.version, found) == (number, jcs.digest(plain)), "I2: the hash recomputes"

    @invariant()
    def i3_no_token_outlives_its_consent(self) -> None:
        for consent, expected in self.model.items():
            if expected.status != "active" or expected.ends <= self.now:
                self.refused(InvalidGrant, lambda tx, c=consent: self.consents.require_active(tx, consent=c))

    @invariant()
    def i4_a_gateway_with_the_feed_admits_only_tokens_of_what_holds_now(self) -> None:
        least = {entry.id: entry.min_epoch for entry in self.bodies(FEED, Entry)}
        for consent, expected in self.model.items():
            for epoch in expected.tokens:
                admitted = epoch >= least.get(consent, 1)
                assert admitted == (expected.status == "active" and epoch == expected.epoch), "I4"

    @invariant()
    def i6_what_has_ended_stays_ended(self) -> None:
        for consent, expected in self.model.items():
            if expected.over:
                approval = self.world.approval()
                act = lambda tx, c=consent, a=approval: self.consents.renew(  # noqa: E731
                    tx, catalog=self.world.catalog, consent=c, person=HOLDER, approval=a
                )
                self.refused(Conflict, act)

    @invariant()
    def i12_shown_stored_minted_and_enforced_are_one(self) -> None:
        shown = {
            (event.consent, event.version): event.detail["shown"]
            for event in self.bodies(OUTBOX, Event)
            if "shown" in event.detail
        }
        for consent, expected in self.model.items():
            state: State = self.unit(lambda tx, c=consent: tx.consents.get(c))
            for version in expected.versions:
                assert _sha256(shown[consent, version.version]) == version.notice.sha256, "I12: shown"
                details = [to_detail(item) for item in version.granted]
                minted = tuple(from_detail(self.world.catalog.file, one) for one in details)
                part = enforced.cut(version, state, {BANK})
                assert part is not None
                assert minted == version.granted == part.items, "I12: minted, stored, enforced"
                assert part.content_hash == version.content_hash, "I12"

    def bodies(self, table: Any, shape: type[Any]) -> list[Any]:
        rows = drive(SqliteCursor(self.connection).all(Statement(select(table.c.body).order_by(table.c.seq))))
        return [msgspec.json.decode(row[0], type=shape) for row in rows]


def _sha256(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _one(items: tuple[Item, ...], like: Item) -> Item:
    (found,) = (one for one in items if (one.datatype, one.actions) == (like.datatype, like.actions))
    return found


def _without(item: Item, fields: set[str]) -> Item:
    return msgspec.structs.replace(item, fields=tuple(field for field in item.fields if field not in fields))


def _widened(last: Version, how: str) -> tuple[tuple[Item, ...], int]:
    first, *rest = last.granted
    changes: dict[str, dict[str, Any]] = {
        "field": {"fields": (*first.fields, "payee")},
        "thing": {"resources": (*first.resources, "a3")},
        "lookback": {"lookback_days": (first.lookback_days or 0) + 400},
        "purpose": {"purpose": "tax"},
        "end": {},
    }
    if how == "lookback" and first.lookback_days is None:
        changes["lookback"] = {"actions": (*first.actions, "pay")}
    return (msgspec.structs.replace(first, **changes[how]), *rest), last.expires_at + (how == "end")
