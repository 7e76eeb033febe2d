"""One source of text: what the screen says is what is stored, enforced, exported and put on the receipt."""

import json
import tomllib
from pathlib import Path

import msgspec
import pytest

from grantline.catalog import Asked, Catalog, build_catalog, from_detail, load_catalog, to_detail
from grantline.consent import Picks, enforced, may, read, receipt, words
from grantline.consent.lines import offer_lines
from grantline.consent.sealing import from_bytes, to_bytes
from grantline.consent.versions import text_hash
from grantline.crypto import jcs
from grantline.crypto.es256 import InvalidJws, SigningKey, verify_jws
from grantline.model.consent import Item
from grantline.model.decision import FieldFilter
from grantline.model.ids import ApiId
from tests.consent_world import BANK, CATALOG, CATEGORY, HOLDER, OTHER_PARTY, PICKS, World

GOLDEN = Path(__file__).parents[2] / "vectors" / "consent"
KEY = SigningKey.generate()


def golden(name: str, found: str) -> None:
    """Compare with the committed text."""
    path = GOLDEN / name
    assert path.exists(), f"no golden file {name}; it would be:\n{found}"
    assert found == path.read_text(encoding="utf-8")


async def test_the_lines_taken_on_the_screen_are_those_of_the_policy_export(world):
    """Covers: C17, I12."""
    picks = Picks(PICKS.lines | {CATEGORY, OTHER_PARTY}, PICKS.resources, 90)
    offer = world.offer()
    _, version = await world.given(picks)
    screen = [words.line_text(line) for line in offer.lines if line.required or line.key in picks.lines]
    part = enforced.cut(version, (await world.state(version.consent_id)), {BANK})
    export = words.agreed_lines(world.catalog, part.items, agreed_at=part.not_before, expires_at=part.expires_at)
    golden("screen-and-export.txt", "\n".join([*screen, "", *export, ""]))
    shown = {field.id for line in offer.lines if line.required or line.key in picks.lines for field in line.fields}
    assert shown == {field for item in part.items for field in item.fields}


async def test_version_one_of_the_record_keeps_its_bytes(world):
    """Covers: I2. What is written for ever only grows: an old record must stay readable and keep its hash."""
    _, version = await world.given()
    golden("version-1.json", to_bytes(version).decode() + "\n")
    assert from_bytes(to_bytes(version)) == version


def test_a_record_of_today_survives_fields_that_come_later():
    """Covers: I2."""

    class Later(msgspec.Struct, frozen=True, kw_only=True):
        content_hash: str
        added_later: str = "new"

    body = (GOLDEN / "version-1.json").read_bytes().strip()
    assert msgspec.json.decode(body, type=Later).added_later == "new"
    assert from_bytes(body).content_hash == jcs.digest(
        {name: value for name, value in json.loads(body).items() if name != "content_hash"}
    )


async def test_tokens_carry_the_stored_items_and_nothing_else(world):
    """Covers: I12."""
    _, version = await world.given()
    details = [to_detail(item) for item in version.granted]
    assert tuple(from_detail(world.catalog.file, json.loads(json.dumps(one))) for one in details) == version.granted


async def test_a_gateway_gets_its_own_part_signed_and_no_person(world):
    """Covers: I12, I13."""
    state, version = await world.given()
    ask = lambda consent, number, apis: world.work.read(  # noqa: E731
        lambda tx: enforced.enforced(tx, consent=consent, version=number, apis=apis)
    )
    part = await ask(state.consent_id, 1, {BANK})
    assert (part.items, part.content_hash) == (version.granted, version.content_hash)
    assert HOLDER not in msgspec.json.encode(part).decode()
    assert await ask(state.consent_id, 1, {ApiId("calendar")}) is None
    assert await ask(state.consent_id, 2, {BANK}) is None
    assert await ask("g_none", 1, {BANK}) is None
    signed = enforced.sign(part, KEY)
    assert enforced.verify(signed, lambda kid: KEY.public) == signed
    wider = msgspec.structs.replace(signed, expires_at=signed.expires_at + 1)
    with pytest.raises(InvalidJws):
        enforced.verify(wider, lambda kid: KEY.public)
    with pytest.raises(InvalidJws):
        enforced.verify(signed, lambda kid: SigningKey.generate().public)


async def test_a_receipt_says_what_was_agreed_and_verifies_without_us(world):
    """Covers: R11, P10."""
    state, version = await world.given()
    made = receipt.receipt(
        catalog=world.catalog, version=version, state=state, issuer="https://as.example", issued_at=1_795_000_001
    )
    assert made["record"]["content_hash"] == version.content_hash
    assert made["text"] == list(receipt.agreed(world.catalog, version))
    assert made["text"][0].startswith("Read date, amount, category and merchant name of transactions.")
    (purpose,) = made["processing"]["purposes"]
    assert [one["pii_attribute"] for one in purpose["pii_information"]] == [
        "date", "amount", "category", "merchant name", "balance",
    ]  # fmt: skip
    assert made["processing"]["withdrawal_method"].startswith("Any time under Connections")
    token = receipt.sign(made, KEY)
    assert json.loads(verify_jws(token, lambda kid: KEY.public, receipt.TYPE)) == made


async def test_the_receipt_of_an_ended_consent_says_how_it_ended(world):
    """Covers: R11."""
    state, version = await world.given()
    ending = await world.work.write(lambda tx: world.consents.withdraw(tx, consent=state.consent_id, person=HOLDER))
    made = receipt.receipt(
        catalog=world.catalog, version=version, state=ending.state, issuer="https://as.example", issued_at=0
    )
    assert [one["event_state"] for one in made["events"]] == ["active", "withdrawn"]
    assert made["events"][-1]["entity_id"] == version.subject


@pytest.mark.parametrize(
    ("calls", "said"), [(None, "of events."), (1, "of events, once."), (1_500, "of events, at most 1,500 times.")]
)
def test_a_limit_stands_in_the_line_itself(calls, said):
    """Covers: line 2 (budget), C3, C17."""
    item = load_catalog(CATALOG).scope_items(("calendar.events",))[0]
    item = msgspec.structs.replace(item, calls=msgspec.UNSET if calls is None else calls)
    (line,) = offer_lines(load_catalog(CATALOG), [Asked(item=item, required=item.fields)])
    for text in (words.line_text(line), words.item_text(load_catalog(CATALOG), item)):
        assert f"{said} Because: " in text


def test_one_phrase_says_what_an_app_may():
    world = World()
    assert phrase(world.catalog, world.agree().items) == "Read 5 fields of 1 account, because: budgeting"
    with_change = world.agree(Picks(PICKS.lines | {CATEGORY}, {BANK: ("a1", "a2")}, 30)).items
    assert phrase(world.catalog, with_change) == (
        "Read 5 fields of 2 accounts and set category of a transaction, because: budgeting"
    )
    assert [span.text for span in may(world.catalog, with_change) if span.strong] == [
        "2\N{NO-BREAK SPACE}accounts", "a transaction",
    ]  # fmt: skip
    items = world.agree().items
    assert may(world.catalog, (*items, *items)) == may(world.catalog, items)
    assert may(world.catalog, ()) == ()


def phrase(catalog: Catalog, items: tuple[Item, ...]) -> str:
    """The phrase as plain text with plain spaces."""
    return "".join(span.text for span in may(catalog, items)).replace("\N{NO-BREAK SPACE}", " ")


# Renaming in the catalog alone


def renamed(*changes: tuple[str, str]) -> World:
    """The story over the demonstration's catalog with words or ids replaced in its file, and nothing else."""
    text = CATALOG.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return World(catalog=build_catalog(tomllib.loads(text)))


def surfaces(world: World) -> dict[str, str]:
    """Every surface as text: screen, summary phrase, export, filter."""
    offer = world.offer()
    agreed = world.agree(Picks(frozenset(line.key for line in offer.lines), {BANK: ("a1",)}, 30))
    located = world.catalog.locate(BANK, "GET", "/accounts/a1/transactions", "")
    cut = world.catalog.field_filter(located, agreed.items[0], now=world.clock.seconds)
    assert isinstance(cut, FieldFilter)
    return {
        "screen": "\n".join(words.notice_lines(offer)),
        "export": "\n".join(words.agreed_lines(world.catalog, agreed.items, agreed_at=0, expires_at=1)),
        "portal": phrase(world.catalog, agreed.items),
        "policy": json.dumps([to_detail(item) for item in agreed.items]),
        "filter": repr(cut.fields),
    }


def test_a_purpose_renamed_in_the_catalog_is_renamed_everywhere():
    """Covers: I12, ARCHITECTURE.md idea 7."""
    before, after = surfaces(World()), surfaces(renamed(("budgeting", "money-plan")))
    for name in ("screen", "export", "portal", "policy"):
        assert "budgeting" in before[name]
        assert "budgeting" not in after[name]
        assert "money-plan" in after[name]


def test_a_field_renamed_in_the_catalog_is_renamed_everywhere():
    """Covers: I12, ARCHITECTURE.md idea 7."""
    changes = (
        ('merchant = { label = "merchant name", path = ["merchant", "name"]',
         'shop = { label = "shop", path = ["shop", "title"]'),
        ('optional = ["merchant",', 'optional = ["shop",'),
    )  # fmt: skip
    before, after = surfaces(World()), surfaces(renamed(*changes))
    for name in ("screen", "export", "policy", "filter"):
        assert "merchant" in before[name]
        assert "merchant" not in after[name]
        assert "shop" in after[name].replace("shops", "")


async def test_the_receipt_and_portal_of_a_standing_consent_follow_the_catalog(world):
    """Covers: ARCHITECTURE.md idea 7. The text as agreed stays in the record beside it."""
    state, version = await world.given()
    catalog = renamed(
        ('label = "budgeting"', 'label = "money plan"'), ('label = "merchant name"', 'label = "shop"')
    ).catalog
    made = receipt.receipt(catalog=catalog, version=version, state=state, issuer="https://as.example", issued_at=0)
    assert "category and shop of transactions. Because: money plan." in made["text"][0]
    assert made["processing"]["purposes"][0]["purpose"] == "money plan"
    assert made["processing"]["purposes"][0]["purpose_as_agreed"] == "budgeting"
    (line,) = await world.work.read(lambda tx: read.connections(tx, person=HOLDER))
    assert phrase(catalog, line.granted) == "Read 5 fields of 1 account, because: money plan"
    assert text_hash(world.events()[-1].detail["shown"]) == version.notice.sha256


def test_a_record_outlives_the_catalog_it_was_agreed_under():
    """A kind of data that is gone is called by its id: the record can always be shown."""
    items = World().agree().items
    bare = Catalog.from_file(msgspec.structs.replace(load_catalog(CATALOG).file, apis={}, scopes={}, purposes={}))
    (first, *_) = words.agreed_lines(bare, items, agreed_at=0, expires_at=1)
    assert first.startswith("Read date, amount, category and merchant of transactions. Because: budgeting.")
    lines = offer_lines(bare, [Asked(item=item, required=item.fields) for item in items])
    assert [line.label for line in lines] == ["date, amount, category and merchant", "balance"]
    assert phrase(bare, items) == "Read 5 fields of transactions and accounts, because: budgeting"
