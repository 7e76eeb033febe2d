"""A number of calls that was agreed to, kept by a gateway that asks the composed authority over HTTP."""

from pathlib import Path

from grantline.model.calls import CallsWanted
from grantline.model.ids import ConsentId, PurposeId
from grantline.settings import Settings
from tests.flows.keys.test_under_load import API, Running, running, until

LIMIT = (r'(required = \["start", "end"\]\noptional = \["title"\])', r"\1\ncalls = 3")


async def limited(made: Running) -> str:
    """A token on a consent for three calls, once the gateway knows the catalog that says so."""
    await made.house.change_catalog([LIMIT])
    wanted = made.house.composed.rules.catalog().hash

    async def known() -> bool:
        return made.parts.bundle.current is not None and made.parts.bundle.current.catalog_hash == wanted

    await until(10, known)
    begun, returned = await made.house.visitor().connect(made.app, scope="calendar.events", prompt="consent")
    return (await made.app.finish(begun, returned)).access_token


async def test_the_gateway_gets_what_was_agreed_and_refuses_the_rest(tmp_path: Path) -> None:
    """Covers: line 2 (budget)."""
    async with running(tmp_path, Settings()) as made:
        token = await limited(made)
        seen = [(await made.call(token)).status_code for _ in range(4)]
        assert seen == [200, 200, 200, 429]
        assert (await made.call(token)).json()["reason"] == "limit_reached"


async def test_calls_are_given_only_of_what_stands_and_for_its_own_apis(tmp_path: Path) -> None:
    async with running(tmp_path, Settings()) as made:
        grant = made.tokens.grant_id

        async def given(**changes: str) -> int:
            asked = {"consent": grant, "api": API, "datatype": "events", "action": "read", "purpose": "budgeting"}
            told = {**asked, **changes}
            return await made.parts.authority.calls(
                CallsWanted(
                    consent=ConsentId(told["consent"]), api=type(API)(told["api"]), datatype=told["datatype"],
                    action=told["action"], purpose=PurposeId(told["purpose"]),
                )
            )  # fmt: skip

        assert await given() > 0
        assert [await given(**one) for one in ({"consent": "g_none"}, {"api": "bank"}, {"action": "write"})] == [0] * 3
        consents = made.house.composed.server.consents
        await made.house.state.write(lambda tx: consents.revoke(tx, consent=ConsentId(grant), by="operator"))
        assert await given() == 0
