"""What people could type and no database holds: refused like anything else that nobody is called."""

import pytest

from tests.flows.identity.conftest import Person
from tests.instance_world import Instance
from tests.postgres_server import on_both


@on_both("here")
@pytest.mark.parametrize("name", ["a\0b", "\0", "' OR 1=1 --", "%", "ONE\u0000"])
async def test_a_name_that_nobody_can_have_signs_nobody_in(here: Instance, name: str) -> None:
    person = Person(here)
    fields = {**await person.fields("/sign-in", 'name="password"'), "username": name, "password": "a long one"}
    answer = await person.browser.post("/sign-in", fields)
    assert answer.status_code in {400, 401}
    assert "text/html" in answer.headers["content-type"]
    assert "grantline" not in person.browser.http.cookies
    assert (await person.password()).headers["location"] == "/"
