"""What an operator can do for somebody who cannot sign in: a one-time link, and taking a lost second factor away."""

import asyncio

import pytest
from typer.testing import CliRunner

from grantline.cli.program import app
from tests.flows.identity.conftest import Person
from tests.instance_world import Instance


async def grantline(*arguments: str) -> str:
    """Run the command beside the serving instance; its output."""
    done = await asyncio.to_thread(CliRunner().invoke, app, ["people", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


async def chooses(person: Person, link: str, password: str) -> str:
    """Follow the link; where it leads."""
    path = "/enrol/" + link.strip().rpartition("/")[2]
    fields = {**await person.fields(path, 'name="password"'), "username": "one", "password": password}
    return (await person.browser.post(path, fields)).headers["location"]


@pytest.fixture(autouse=True)
def now(here: Instance) -> None:
    """The command looks at the clock of the machine; so does the instance here."""
    import time

    here.clock.us = time.time_ns() // 1_000


async def test_a_link_gives_a_new_password_and_leaves_the_second_factor(here: Instance, person: Person) -> None:
    """Covers: check 55, check 56."""
    await person.adds_app()
    link = await grantline("reset-link", "One", "--data", str(here.data))
    stranger = Person(here, secret=person.secret)
    assert await chooses(stranger, link, "a new long password") == "/sign-in/second?next=%2F"
    assert (await stranger.browser.get("/connections")).status_code == 303
    assert (await stranger.types("/sign-in/second?next=/", stranger.code())).headers["location"] == "/"
    assert (await person.browser.get("/connections")).status_code == 303
    assert (await Person(here).browser.get("/enrol/" + link.strip().rpartition("/")[2])).status_code == 404


async def test_a_lost_second_factor_is_taken_away_with_its_link(here: Instance, person: Person) -> None:
    await person.adds_app()
    data = ("--data", str(here.data))
    assert "app for codes" in await grantline("methods", "one", *data)
    link = await grantline("reset-link", "one", "--forget-second-factor", *data)
    assert await chooses(Person(here), link, "a new long password") == "/"
    listed = await grantline("methods", "one", *data)
    assert "password" in listed
    assert "app for codes" not in listed


async def test_a_person_is_locked_out_and_let_in_again(here: Instance, person: Person) -> None:
    """While the instance serves; twice says so, and nobody else is concerned."""
    data = ("--data", str(here.data))
    assert (await person.browser.get("/connections")).status_code == 200
    assert "one is locked" in await grantline("lock", "one", *data)
    assert "was locked before" in await grantline("lock", "one", *data)
    assert (await person.browser.get("/connections")).status_code == 303
    assert "one is unlocked" in await grantline("unlock", "one", *data)
    assert "was not locked" in await grantline("unlock", "one", *data)
    assert (await person.browser.get("/connections")).status_code == 303
