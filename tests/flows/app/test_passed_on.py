"""A person sees what an app passed on, and to whom; it ends on the page with what it is a part of."""

import re

from grantline.authorization.profiles import profile_of
from grantline.consent import Part
from grantline.model.ids import ConsentId
from grantline.parties import upsert
from tests.grants_world import agent
from tests.instance_world import Instance


def text_of(page: str) -> str:
    """What is read, with plain spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page).replace("\u00a0", " "))


async def test_a_connection_names_who_it_was_passed_on_to_and_by_whom(house: Instance) -> None:
    """Covers: E11, P3: one stop for the whole, one for the part."""
    person, app = house.visitor(), house.app()
    begun, url = await person.connect(app)
    whole = ConsentId((await app.finish(begun, url)).grant_id)
    part = await _pass_on(house, whole)

    seen = text_of((await person.get(f"/connections/{whole}")).text)
    assert ", by you" in seen
    assert "Passed on to Otto" in seen
    assert ", by Budget" in text_of((await person.get(f"/connections/{part}")).text)
    listed = await person.get("/connections")
    assert f"/connections/{part}" in listed.text

    form = await person.form(f"/connections/{whole}/stop")
    await person.post(f"/connections/{whole}/stop", form)
    assert "Passed on to" not in text_of((await person.get(f"/connections/{whole}")).text)
    assert "Stopped" in text_of((await person.get(f"/connections/{part}")).text)


async def _pass_on(house: Instance, whole: ConsentId) -> ConsentId:
    """What an exchange records, without the exchange."""
    server = house.composed.server
    otto = agent("otto").client
    await server.work.write(lambda tx: upsert(tx, otto, server.clock, server.randomness))

    async def unit(tx: object) -> ConsentId:
        held = await server.consents.require_active(tx, consent=whole)  # type: ignore[arg-type]
        state, version = held
        part = Part(
            receiver=profile_of(otto, server.catalog(), otto.web),
            subject=state.subject,
            items=version.granted,
            scope=version.scope,
            expires_at=version.expires_at,
            channel="test",
            agent="otto",
        )
        made, _ = await server.consents.pass_on(tx, catalog=server.catalog(), held=held, part=part)  # type: ignore[arg-type]
        return made.consent_id

    return await server.work.write(unit)
