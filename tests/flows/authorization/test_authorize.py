"""What the browser may bring, and where it is sent."""

from urllib.parse import urlencode

import pytest

from grantline.authorization import Interaction, Question
from grantline.consent import Offer
from grantline.model.errors import LoginRequired, NotFound
from tests.authorization_world import CALLBACK, ISSUER, World, every, handle_of, query_of
from tests.flows.authorization.raw import REQUEST


async def visit(world: World, **changes: str | None) -> tuple[int, str, str]:
    """Status, address and text of a plain request."""
    query = urlencode({name: value for name, value in {**REQUEST, **changes}.items() if value is not None})
    answer = await world.browse(f"/authorize?{query}")
    return answer.status_code, answer.headers.get("location", ""), answer.text


@pytest.mark.parametrize(
    ("change", "page"),
    [
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"redirect_uri": None}, "invalid_request: redirect_uri"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request: redirect_uri"),
        ({"redirect_uri": "https://app.example@evil.example/callback"}, "invalid_request: redirect_uri"),
        ({"redirect_uri": CALLBACK + "/../x"}, "invalid_request: redirect_uri"),
        ({"redirect_uri": CALLBACK, "request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
    ],
)
async def test_nothing_is_ever_redirected_to_an_address_that_is_not_proven(
    world: World, change: dict[str, str | None], page: str
) -> None:
    """Covers: bad input; check 1, 3, 4, 22."""
    status, location, text = await visit(world, **change)
    assert (status, location, text) == (400, "", f"error page: {page}")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_what_proves_the_address_given_twice_is_refused_without_a_redirect(world: World, name: str) -> None:
    """Covers: check 3, 6."""
    for again in (REQUEST[name], "https://evil.example/"):
        answer = await world.browse(f"/authorize?{urlencode(REQUEST)}&{urlencode({name: again})}")
        assert (answer.status_code, answer.headers.get("location")) == (400, None)


@pytest.mark.parametrize(
    ("added", "state"),
    [
        ("&state=again", None),
        ("&scope=again", "st"),
        ("&nonce=%FF", "st"),
        ("&other=a%00b", "st"),
        ("&" + "n" * 101 + "=1", "st"),
    ],
)
async def test_a_request_that_cannot_be_read_without_doubt_goes_back_to_the_proven_address(
    world: World, added: str, state: str | None
) -> None:
    """Covers: check 6, 12; RFC 6749 §4.1.2.1."""
    answer = await world.browse(f"/authorize?{urlencode(REQUEST)}{added}")
    location = answer.headers.get("location", "")
    told = query_of(location)
    assert (answer.status_code, location.startswith(CALLBACK + "?")) == (303, True)
    assert (told["error"], told.get("state"), told["iss"]) == ("invalid_request", state, ISSUER)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"code_challenge": "too-short"}, "st"),
        ({"code_challenge": "A" * 42 + "!"}, "st"),
        ({"nonce": "n" * 513}, "st"),
        ({"max_age": "soon"}, "st"),
        ({"dpop_jkt": "no"}, "st"),
        ({"state": "s" * 4_097}, None),
        ({"state": "s" * 4_097, "code_challenge": "x"}, None),
    ],
)
async def test_a_malformed_parameter_goes_back_to_the_proven_address_with_a_usable_state(
    world: World, change: dict[str, str | None], state: str | None
) -> None:
    """Covers: check 9, 11, 12, 13; RFC 6749 §4.1.2.1."""
    status, location, _ = await visit(world, **change)
    told = query_of(location)
    assert (status, location.startswith(CALLBACK + "?")) == (303, True)
    assert (told["error"], told.get("state"), told["iss"]) == ("invalid_request", state, ISSUER)


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"redirect_uri": CALLBACK + "?" + "x" * 2_000},
        {"client_id": "nobody"},
    ],
)
async def test_a_malformed_parameter_earns_no_redirect_to_an_address_that_is_not_proven(
    world: World, change: dict[str, str | None]
) -> None:
    """Covers: check 3."""
    status, location, _ = await visit(world, code_challenge="x", **change)
    assert (status, location) == (400, "")


async def test_doubt_beside_a_pushed_request_goes_back_where_that_request_came_from(world: World) -> None:
    """Covers: check 3, 6, 12."""
    begun = await world.app().begin(scope="bank.transactions")
    answer = await world.browse(begun.url + "&scope=a&scope=b&redirect_uri=https%3A%2F%2Fevil.example%2F")
    location = answer.headers.get("location", "")
    told = query_of(location)
    assert (answer.status_code, location.startswith(CALLBACK + "?")) == (303, True)
    assert (told["error"], told["state"], told["iss"]) == ("invalid_request", begun.state, ISSUER)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "bank.nothing"}, "invalid_scope"),
        ({"response_mode": "fragment"}, "invalid_request"),
    ],
)
async def test_once_the_address_is_proven_errors_go_back_there_with_state_and_issuer(
    world: World, change: dict[str, str | None], error: str
) -> None:
    """Covers: check 12, 13, 23."""
    status, location, _ = await visit(world, **change)
    answer = query_of(location)
    assert status == 303
    assert location.startswith(CALLBACK + "?")
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "st", ISSUER)
    assert set(answer) == {"error", "error_description", "state", "iss"}


async def test_answers_at_this_endpoint_have_no_cors_and_no_cache(world: World) -> None:
    """Covers: check 24, 25, 26, 29."""
    answer = await world.browse(f"/authorize?{urlencode(REQUEST)}")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_nobody_signed_in_means_signing_in_first(world: World) -> None:
    """Covers: line 4."""
    assert (await visit(world))[1].startswith("/sign-in?request=")
    await world.sign_in()
    assert (await visit(world))[1].startswith("/consent/")


async def test_prompt_none_never_shows_a_page(world: World) -> None:
    """Covers: check 15."""
    assert query_of((await visit(world, prompt="none"))[1])["error"] == "login_required"
    await world.sign_in()
    assert query_of((await visit(world, prompt="none"))[1])["error"] == "consent_required"
    await world.connect(world.app())
    assert "code" in query_of((await visit(world, prompt="none"))[1])


async def test_a_request_by_post_is_the_same_request(world: World) -> None:
    """OIDC Core §3.1.2.1: GET and POST. The answer to the post leads on by GET (check 23)."""
    session = await world.sign_in()
    form = {name: value for name, value in REQUEST.items() if value is not None}
    answer = await world.http.post("/authorize", data=form, headers={"cookie": f"s={session.secret}"})
    assert (answer.status_code, answer.headers["location"].split("/")[1]) == (303, "consent")
    refused = await world.http.post("/authorize", data={**form, "prompt": "none"})
    assert (refused.status_code, query_of(refused.headers["location"])["error"]) == (303, "login_required")


async def test_prompt_login_wants_a_new_sign_in(world: World) -> None:
    """Covers: check 16."""
    old = await world.sign_in()
    location = (await visit(world, prompt="login"))[1]
    assert location.startswith("/sign-in?request=")
    handle = handle_of(location)
    with pytest.raises(LoginRequired):
        await world.look(handle, old)
    new = await world.sign_in()
    assert isinstance(await world.look(handle, new), Offer)


async def test_max_age_is_counted_to_the_time_of_the_request(world: World) -> None:
    """Covers: check 17."""
    session = await world.sign_in()
    world.clock.pass_seconds(100)
    assert (await visit(world, max_age="99"))[1].startswith("/sign-in")
    location = (await visit(world, max_age="100"))[1]
    assert location.startswith("/consent/")
    world.clock.pass_seconds(60)
    assert isinstance(await world.look(handle_of(location), session), Offer)


async def test_a_hint_of_another_person_is_answered_with_login_required(world: World) -> None:
    """Covers: check 18."""
    tokens = await world.connect(world.app(), "openid bank.transactions")
    await world.sign_in("ben")
    location = (await visit(world, id_token_hint=tokens.id_token))[1]
    assert query_of(location)["error"] == "login_required"
    await world.sign_in("ada")
    assert (await visit(world, id_token_hint=tokens.id_token, prompt="consent"))[1].startswith("/consent/")


async def opened(world: World) -> tuple[str, Offer]:
    """A request whose question is on the screen."""
    session = world.session or await world.sign_in()
    handle = handle_of((await visit(world))[1])
    offer = await world.look(handle, session)
    assert isinstance(offer, Offer)
    return handle, offer


async def test_a_request_belongs_to_the_person_who_opened_it(world: World) -> None:
    """Covers: check 38."""
    handle, offer = await opened(world)
    ben = await world.sign_in("ben")
    for act in (
        world.look(handle, ben),
        world.interaction.approve(handle, every(offer), ben, digest=offer.digest),
        world.interaction.refuse(handle, ben),
    ):
        with pytest.raises(NotFound):
            await act


async def test_two_tabs_are_two_requests(world: World) -> None:
    """Covers: check 40."""
    first, offer = await opened(world)
    second, _ = await opened(world)
    assert first != second
    session = world.session
    assert session is not None
    one = await world.interaction.approve(first, every(offer), session, digest=offer.digest)
    two = await world.interaction.approve(second, every(offer), session, digest=offer.digest)
    assert query_of(one)["code"] != query_of(two)["code"]


async def test_a_question_is_answered_once(world: World) -> None:
    """Covers: check 63; C16."""
    handle, offer = await opened(world)
    session = world.session
    assert session is not None
    await world.interaction.approve(handle, every(offer), session, digest=offer.digest)
    with pytest.raises(NotFound):
        await world.interaction.approve(handle, every(offer), session, digest=offer.digest)
    with pytest.raises(NotFound):
        await world.interaction.refuse(handle, session)
    answered = await world.look(handle, session)
    assert not isinstance(answered, Offer)
    assert answered.what == "allowed"
    (state,) = await world.database.read(lambda tx: tx.consents.of_person(world.people["ada"]))
    assert answered.consent == state.consent_id


async def test_an_api_is_asked_once_for_each_request(world: World) -> None:
    """Covers: resource lists are kept for the ticket's life only."""
    handle, offer = await opened(world)
    assert world.session is not None
    assert await world.look(handle, world.session) == offer
    assert world.lists.asked == [("bank", "b-ada")]
    again = Interaction(world.server)
    asked = await again.question(handle, world.session)
    assert isinstance(asked, Question)
    assert asked.offer == offer
    assert len(world.lists.asked) == 1


async def test_who_waits_is_told_before_signing_in_and_nothing_else(world: World) -> None:
    """Covers: C1; check 47."""
    handle = handle_of((await visit(world))[1])
    waiting = await world.interaction.open(handle)
    assert (waiting.client.name, waiting.client.redirect_host) == ("Budget", "app.example")
    with pytest.raises(NotFound):
        await world.interaction.open("A" * 43)
