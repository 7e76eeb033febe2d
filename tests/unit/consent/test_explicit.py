"""A special category of data is shared by a yes to exactly that, and the record shows it (GDPR art. 9(2)(a))."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from grantline.catalog import Asked, from_detail, to_detail
from grantline.consent import Picks, enforced, receipt, summarise, words
from grantline.consent.offer import Problem
from grantline.consent.sealing import from_bytes, to_bytes
from grantline.crypto.es256 import SigningKey
from grantline.model.errors import InvalidRequest
from tests.consent_world import BALANCE, BANK, HOLDER, MERCHANT, World, ceremony, sensitive

KEY = SigningKey.generate()
BALANCES = "bank.accounts.read.budgeting"
TAKEN = Picks(frozenset({MERCHANT, BALANCE}), {BANK: ("a1",)}, 90)
SAID = dataclasses.replace(TAKEN, explicit=frozenset({BALANCES}))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One of two kinds of data is special, and none of it is required."""
    made = World.at(tmp_path / "state.db", sensitive("bank.accounts"))
    yield made
    made.work.close()


def test_only_special_data_asks_for_a_yes_of_its_own(world: World) -> None:
    (choice,) = world.offer().explicit
    assert (choice.key, choice.lines, choice.required) == (BALANCES, (BALANCE,), False)
    assert words.explicit_text(choice) == "Yes, explicitly: it may read accounts, because: budgeting."
    assert World().offer().explicit == ()
    shown = words.notice_lines(world.offer())
    assert any(line.startswith(words.explicit_text(choice)) for line in shown)


def test_a_ticked_line_is_not_an_explicit_yes(world: World) -> None:
    with pytest.raises(InvalidRequest, match="Say yes to accounts explicitly"):
        world.agree(TAKEN)
    summary = summarise(catalog=world.catalog, asked=world.asked, offer=world.offer(), picks=TAKEN)
    assert summary.problems == (Problem(BALANCES, "Say yes to accounts explicitly."),)


def test_leaving_special_data_out_needs_no_yes(world: World) -> None:
    """A yes to data that was not taken grants nothing either."""
    without = dataclasses.replace(TAKEN, lines=frozenset({MERCHANT}))
    for picks in (without, dataclasses.replace(without, explicit=frozenset({BALANCES}))):
        items = world.agree(picks).items
        assert {item.datatype for item in items} == {"transactions"}
        assert not any(item.explicit for item in items)


def test_only_what_got_the_yes_carries_it(world: World) -> None:
    assert {item.datatype: bool(item.explicit) for item in world.agree(SAID).items} == {
        "transactions": False, "accounts": True,
    }  # fmt: skip


def test_a_yes_to_something_that_was_not_offered_is_refused(world: World) -> None:
    """Covers: C15."""
    foreign = dataclasses.replace(SAID, explicit=frozenset({BALANCES, "bank.transactions.read.budgeting"}))
    with pytest.raises(InvalidRequest, match="was not offered"):
        world.agree(foreign)


async def test_the_record_refuses_special_data_without_its_yes(world: World) -> None:
    """Covers: I1. Whatever way an answer came: it is checked once more before anything is written."""
    state = await world.request()
    approval = world.approval(SAID)
    items = tuple(msgspec.structs.replace(one, explicit=msgspec.UNSET) for one in approval.agreed.items)
    bare = dataclasses.replace(approval, agreed=dataclasses.replace(approval.agreed, items=items))
    with pytest.raises(InvalidRequest, match="explicit yes"):
        await world.work.write(
            lambda tx: world.consents.give(
                tx, catalog=world.catalog, consent=state.consent_id, person=HOLDER, approval=bare
            )
        )


async def test_the_yes_is_in_version_gateways_part_token_event_and_receipt(world: World) -> None:
    """Covers: I12. One object, wherever it is looked at; signed and hashed with the yes in it."""
    state, version = await world.given(SAID)
    (agreed,) = (item for item in version.granted if item.explicit)
    assert agreed.datatype == "accounts"
    assert from_bytes(to_bytes(version)) == version
    part = enforced.cut(version, state, {BANK})
    assert part is not None
    signed = msgspec.json.decode(msgspec.json.encode(enforced.sign(part, KEY)), type=type(part))
    assert enforced.verify(signed, lambda _kid: KEY.public).items == version.granted
    detail = to_detail(agreed)
    assert detail["explicit"] is True
    assert from_detail(world.catalog.file, json.loads(json.dumps(detail))) == agreed
    assert detail in world.events()[-1].detail["granted"]
    made = receipt.receipt(catalog=world.catalog, version=version, state=state, issuer="https://as", issued_at=0)
    assert [text.endswith("Agreed to explicitly.") for text in made["text"]] == [False, True, False]


def test_ordinary_items_have_the_bytes_they_always_had() -> None:
    """Covers: I2. What was signed and hashed before there was such a yes verifies as before."""
    for item in World().agree().items:
        assert b"explicit" not in msgspec.json.encode(item)
        assert "explicit" not in to_detail(item)


def test_a_client_cannot_say_yes_for_the_person(world: World) -> None:
    """It may send back the detail it was given; the yes in it says nothing."""
    detail = to_detail(next(item for item in world.agree(SAID).items if item.explicit))
    (asked,) = world.catalog.asked_by_details([{**detail, "resources": ["a1"]}])
    assert not asked.item.explicit
    assert world.offer((asked,)).explicit


async def test_narrowing_cannot_add_the_yes(world: World) -> None:
    """Covers: I7."""
    state, version = await world.given(SAID)
    more = tuple(msgspec.structs.replace(one, explicit=True) for one in version.granted)
    with pytest.raises(InvalidRequest, match="more than now"):
        await world.work.write(
            lambda tx: world.consents.amend(
                tx, catalog=world.catalog, consent=state.consent_id, person=HOLDER, granted=more,
                expires_at=version.expires_at, ceremony=ceremony(9),
            )
        )  # fmt: skip


def test_required_special_data_is_asked_for_too() -> None:
    """What the app cannot do without is locked on the screen; the yes to it is not."""
    world = World(sensitive("bank.transactions"))
    asked: tuple[Asked, ...] = world.catalog.asked_by_scopes(("bank.transactions",))
    (choice,) = world.offer(asked).explicit
    assert choice.required
    with pytest.raises(InvalidRequest, match="Say yes to transactions explicitly"):
        world.agree(Picks(frozenset(), {BANK: ("a1",)}, 90), asked)
