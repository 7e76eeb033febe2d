"""Connections: numbers from the ledger, stopping that nothing can hold up, pages of one's own only."""

import json
import re
from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from grantline.model.consent import Status
from grantline.model.errors import AuditUnavailable, TemporarilyUnavailable
from grantline.model.ids import ConsentId, PersonId
from grantline.ui.kit import Formats
from grantline.ui.portal import use
from tests.browser.fakes import PARTIAL, UNKNOWN, FakeWorld
from tests.flows.ui.conftest import Browser

DETAIL = "/connections/g_budget"
BUDGET = ConsentId("g_budget")


def text_of(page: str) -> str:
    """What is read, with plain spaces."""
    bare = re.sub(r"<[^>]*>", " ", page)
    return re.sub(r"\s+", " ", bare.replace("\u00a0", " ").replace("\u202f", " "))


def test_connections_are_one_click_from_home(holder: Browser) -> None:
    """Covers: P1."""
    assert 'href="/connections"' in holder.get("/").text


def test_the_list_tells_who_what_why_until_when_and_state(holder: Browser) -> None:
    """Covers: P2."""
    text = text_of(holder.get("/connections").text)
    assert "Budget app App Read 5 fields of 1 account , because: budgeting Until 17 Feb 2027" in text
    assert "Last used: Today, 13:58 Active" in text
    assert "Stopped 9 Nov 2026" in text


@pytest.mark.parametrize(("show", "names"), [("ended", {"Loan app"}), ("kind:Agent", {"Assistant"}), ("none", None)])
def test_filters_show_some_and_an_unknown_one_shows_all(holder: Browser, show: str, names: set[str] | None) -> None:
    """Covers: P2."""
    found = set(re.findall(r'href="/connections/g_[a-z]+"><bdi>([^<]*)<', holder.get(f"/connections?show={show}").text))
    assert found == names if names else len(found) == 5


def test_every_number_of_a_connection_is_a_count_over_entries(holder: Browser, world: FakeWorld) -> None:
    """Covers: P3, P15."""
    rows = world.record.rows[BUDGET]
    allowed = [row for row in rows if row.decision == "permit"]
    text = text_of(holder.get(DETAIL).text)
    assert f"{len(allowed)} allowed, {len(rows) - len(allowed)} refused" in text
    assert f"All {len(rows)}" in text
    merchant = sum("merchant" in row.fields for row in allowed)
    assert f"Merchant name {merchant} Today" in text
    assert "Other party’s IBAN 0 Never" in text
    assert "4 of 5 fields used" in text


def test_the_picture_of_use_and_its_table_hold_the_same_days(holder: Browser, world: FakeWorld) -> None:
    """Covers: P3. One bar per day with allowed calls, one table row per day with calls."""
    page = holder.get(DETAIL).text
    days = {row.t // 86_400_000_000 for row in world.record.rows[BUDGET] if row.decision == "permit"}
    assert page.count('class="bar-fill" x=') == len(days)
    assert len(re.findall(r"<tr><td><time", page)) == len(days)


def test_each_access_names_its_entry_and_the_entry_is_found_there(holder: Browser, world: FakeWorld) -> None:
    """Covers: P3, P15. Time, endpoint, decision, purpose, entry; never a value of the data."""
    page = holder.get(DETAIL).text
    newest = world.record.rows[BUDGET][-1]
    link = f"/connections/g_budget/accesses?before={newest.index + 1}#entry-{newest.index}"
    assert link in page
    assert f'id="entry-{newest.index}"' in holder.get(link.split("#", maxsplit=1)[0]).text
    text = text_of(page)
    assert "List transactions , 3 fields Allowed because: budgeting" in text
    assert "Refused: you did not allow this field field_not_granted" in text


def test_accesses_page_on_without_gap_or_repeat(holder: Browser, world: FakeWorld) -> None:
    """Covers: P3. Following "Older" to its end meets every entry once."""
    path, met = f"{DETAIL}/accesses", []
    while path:
        page = holder.get(path).text
        met += [int(index) for index in re.findall(r'id="entry-(\d+)"', page)]
        older = re.search(r'href="([^"]*)">Older<', page)
        path = older[1] if older else ""
    assert met == [row.index for row in reversed(world.record.rows[BUDGET])]


def test_stopping_takes_two_acts_and_tells_what_was_measured(holder: Browser, world: FakeWorld) -> None:
    """Covers: P5."""
    page = holder.get(DETAIL).text
    assert page.index('id="connection-stop"') < page.index("Use in the last 90 days")
    answer = holder.post(f"{DETAIL}/stop", data={"csrf": holder.token(f"{DETAIL}/stop")})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DETAIL}/stopped")
    assert [consent for consent, _ in world.connections.withdrawn] == [BUDGET]
    text = text_of(holder.get(f"{DETAIL}/stopped").text)
    assert "Stopped at 2 of 2 gateways in 41 ms" in text
    assert "You stopped it on 14 Nov 2026 , 14:06:31.208 CET" in text


def test_the_measured_stop_starts_when_the_click_arrives(holder: Browser, world: FakeWorld) -> None:
    """Covers: P5. Reading the form counts."""
    holder.post(f"{DETAIL}/stop", data={"csrf": holder.token(f"{DETAIL}/stop")})
    assert world.connections.withdrawn == [(BUDGET, world.clock.us)]


def test_the_calls_next_to_the_stop_stand_with_their_entries(holder: Browser, world: FakeWorld) -> None:
    """Covers: P5, P15."""
    world.record.calls_around_the_stop()
    holder.post(f"{DETAIL}/stop", data={"csrf": holder.token(f"{DETAIL}/stop")})
    text = text_of(holder.get(f"{DETAIL}/stopped").text)
    before, after = (f"{row.index:,}".replace(",", " ") for row in world.record.rows[BUDGET][-2:])
    assert f"Last call allowed 14:06:31.214 CET Ledger entry {before}" in text
    assert f"First call refused 14:06:31.246 CET Ledger entry {after}" in text


def test_stopping_works_with_the_ledger_and_the_count_away(
    holder: Browser, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers: I5. What only tells of the stop cannot hold it up."""

    async def away(*_: object) -> None:
        raise TemporarilyUnavailable("nobody there")

    world.record.down = True
    monkeypatch.setattr(world.closures, "wait", away)
    page = holder.get(DETAIL)
    assert page.status_code == 200
    assert page.text.count("We could not read the ledger just now.") == 3
    assert "Not known" in page.text
    answer = holder.post(f"{DETAIL}/stop", data={"csrf": holder.token(f"{DETAIL}/stop")})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DETAIL}/stopped")
    assert len(world.connections.withdrawn) == 1
    assert holder.get(f"{DETAIL}/stopped").status_code == 200


def test_a_stop_that_could_not_be_recorded_says_so(
    holder: Browser, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never looks stopped when it is not."""

    async def full(*_: object, **__: object) -> None:
        raise AuditUnavailable("disk full")

    monkeypatch.setattr(world.connections, "withdraw", full)
    answer = holder.post(f"{DETAIL}/stop", data={"csrf": holder.token(f"{DETAIL}/stop")})
    assert answer.status_code == 503
    assert "We could not record this, so we did not do it." in answer.text


def test_a_stop_needs_its_own_token(holder: Browser, world: FakeWorld) -> None:
    """Covers: check 38. Not a get, not the token of another connection."""
    other = holder.token("/connections/g_tax/stop")
    assert holder.post(f"{DETAIL}/stop", data={"csrf": other}).status_code == 403
    assert world.connections.withdrawn == []


def test_partial_and_unknown_stops_offer_to_look_again(holder: Browser, world: FakeWorld) -> None:
    """Covers: I11. An unknown one is told as an alert."""
    for said, role in ((PARTIAL, 'role="status"'), (UNKNOWN, 'role="alert"')):
        world.closures.said = said
        page = holder.get("/connections/g_loan/stopped").text
        assert "Look again" in page
        assert role in page


def test_an_ended_connection_cannot_be_stopped_again(holder: Browser, world: FakeWorld) -> None:
    """Its page shows the answer instead."""
    assert holder.get("/connections/g_loan/stop").headers["location"] == "/connections/g_loan/stopped"
    assert 'id="connection-stop"' not in holder.get("/connections/g_loan").text
    assert holder.get(f"{DETAIL}/stopped").headers["location"] == DETAIL


def test_a_receipt_is_a_file(holder: Browser) -> None:
    """Covers: P10."""
    answer = holder.get(f"{DETAIL}/receipt/1")
    assert json.loads(answer.content)["receipt_id"]
    assert answer.headers["content-disposition"] == 'attachment; filename="receipt-version-1.json"'
    assert answer.headers["cache-control"] == "no-store"


def test_each_version_has_its_receipt_newest_first(holder: Browser, world: FakeWorld) -> None:
    """Covers: P10. Given, then changed twice: each says when, and what it was."""
    before = world.connections.all[BUDGET]
    (first,) = before.versions
    later = [replace(first, version=n, made_at=first.made_at + n * 86_400, what="amended") for n in (2, 3)]
    world.connections.all[BUDGET] = replace(before, versions=(first, *later))
    page = holder.get(DETAIL).text
    listed = re.findall(r"Version \d, \w+", text_of(page))
    assert list(dict.fromkeys(listed)) == ["Version 3, amended", "Version 2, amended", "Version 1, given"]
    assert [f"{DETAIL}/receipt/{n}" in page for n in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize("path", ["", "/accesses", "/stop", "/stopped", "/receipt/1"])
def test_a_connection_of_somebody_else_does_not_exist(
    holder: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The same page as for one that never was."""
    monkeypatch.setattr("tests.browser.fakes.HOLDER", PersonId("p_other"))
    foreign = holder.get(f"{DETAIL}{path}")
    unknown = holder.get(f"/connections/g_never{path}")
    assert foreign.status_code == unknown.status_code == 404
    assert "not_found" in foreign.text


@pytest.mark.parametrize("path", ["/", "/connections", DETAIL, f"{DETAIL}/stop", f"{DETAIL}/receipt/1", "/check"])
def test_nothing_is_shown_without_a_session(visitor: Browser, path: str) -> None:
    """Covers: check 56. Sign in first."""
    answer = visitor.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_somebody_without_connections_is_told_why_that_is_fine(holder: Browser, world: FakeWorld) -> None:
    """An empty page is not an error."""
    world.connections.all.clear()
    assert "Nobody may act for you. When an app asks, you decide here first." in holder.get("/connections").text


@pytest.mark.parametrize("zone", ["Europe/Madrid", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kathmandu"])
async def test_use_is_counted_by_the_readers_own_days_across_a_clock_change(world: FakeWorld, zone: str) -> None:
    """Covers: P3, P15. The same as taking every entry of the window by itself; none is missed or met twice."""
    formats = Formats(ZoneInfo(zone), world.clock.us)
    world.record.calls_every(minutes=25, days=89)
    rows = world.record.rows[BUDGET]
    found = await use.recent_use(world.record, BUDGET, formats)
    days = set(use.window(formats))
    within = [row for row in rows if formats.date_key(row.t) in days]
    assert found.allowed == Counter(formats.date_key(row.t) for row in within if row.decision == "permit")
    assert found.refused == Counter(formats.date_key(row.t) for row in within if row.decision == "deny")
    merchant = [row.t for row in within if row.decision == "permit" and "merchant" in row.fields]
    assert found.fields["transactions", "merchant"] == (len(merchant), max(merchant))


def test_the_window_is_ninety_days_across_a_clock_change() -> None:
    """Late in the evening, with the end of summer time inside."""
    evening = Formats(ZoneInfo("Europe/Madrid"), 1_794_697_199_000_000)  # 14 Nov 2026, 23:59:59
    days = use.window(evening)
    assert (len(set(days)), days[0], days[-1]) == (90, "2026-08-17", "2026-11-14")


def test_a_client_that_we_hold_is_not_called_active(holder: Browser, world: FakeWorld) -> None:
    """Its calls are refused, so the list, its filters and the page say so; stopping stays near."""
    budget = ConsentId("g_budget")
    before = holder.get("/connections").text
    world.connections.all[budget] = replace(world.connections.all[budget], held=True)
    listed, page = holder.get("/connections").text, holder.get("/connections/g_budget").text
    assert (before.count("Paused by us"), listed.count("Paused by us")) == (0, 1)
    assert "Active 3" in before
    assert "Active 2" in listed
    assert "Paused by us" in page
    assert "We stopped this app for now" in page
    assert 'id="connection-stop"' in page


def test_a_connection_to_what_we_no_longer_offer_is_not_called_active(holder: Browser, world: FakeWorld) -> None:
    """Covers: P2. No call of it can go through, and the person hears why; stopping stays near."""
    budget = ConsentId("g_budget")
    world.connections.all[budget] = replace(world.connections.all[budget], missing=("events",), unserved=True)
    listed, page = holder.get("/connections").text, holder.get("/connections/g_budget").text
    assert listed.count("Paused by us") == 1
    assert "Active 2" in listed
    assert "Paused by us" in page
    assert "We do not offer events any more: every call is refused." in page
    assert 'id="connection-stop"' in page


def test_a_connection_of_which_a_part_is_no_longer_offered_says_which(holder: Browser, world: FakeWorld) -> None:
    """The rest runs, so it is called active."""
    budget = ConsentId("g_budget")
    world.connections.all[budget] = replace(world.connections.all[budget], missing=("events", "balances"))
    page = holder.get("/connections/g_budget").text
    assert "We do not offer events and balances any more: calls for it are refused." in page
    assert "Paused by us" not in page
    world.connections.all[budget] = replace(world.connections.all[budget], status=Status.WITHDRAWN)
    assert "We do not offer" not in holder.get("/connections/g_budget").text


@pytest.mark.parametrize(("status", "who"), [(Status.WITHDRAWN, "You"), (Status.REVOKED, "We")])
def test_the_page_of_a_stop_says_who_stopped_it(holder: Browser, world: FakeWorld, status: Status, who: str) -> None:
    """Covers: P5. What we ended is never called the person's own act."""
    loan = ConsentId("g_loan")
    world.connections.all[loan] = replace(world.connections.all[loan], status=status)
    assert f"{who} stopped it on" in holder.get("/connections/g_loan/stopped").text
