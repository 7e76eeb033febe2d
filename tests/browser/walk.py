"""Every page once, in a state worth looking at."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from playwright.async_api import Page

from grantline.identity import Methods, SecondStep
from grantline.model.ids import ConsentId
from tests.browser.changing import adding, replacing
from tests.browser.fakes import BY_LEASE, CLOSED, HOLDER, PARTIAL, UNKNOWN, FakeWorld
from tests.consent_world import sensitive


async def _nothing(_: Page) -> None:
    return


async def _pick(page: Page) -> None:
    await page.locator("input[name=line]").first.check()
    await page.check("#bank-0")
    await _submit(page, "#consent-update")


async def _pick_nothing(page: Page) -> None:
    await _submit(page, "#consent-approve")


async def _forget_the_yes(page: Page) -> None:
    await page.locator("input[name=line]").first.check()
    await page.check("#bank-0")
    await _submit(page, "#consent-approve")


def _special(world: FakeWorld) -> None:
    world.interaction.catalog = sensitive("bank.transactions", "bank.accounts")


async def _unfold(page: Page) -> None:
    for summary in await page.locator("summary").all():
        await summary.click()


async def _submit(page: Page, button: str) -> None:
    """Press it, and be on the page that it leads to."""
    async with page.expect_navigation():
        await page.click(button)


async def _wrong_password(page: Page) -> None:
    await page.fill("[name=username]", "holder")
    await page.fill("[name=password]", "wrong")
    await _submit(page, "#login-submit")


async def _second_step(page: Page) -> None:
    await page.fill("[name=username]", "holder")
    await page.fill("[name=password]", "a long enough password")
    await _submit(page, "#login-submit")


async def _wrong_code(page: Page) -> None:
    await _second_step(page)
    await page.fill("#code", "000000")
    await _submit(page, "#second-submit")


async def _make_codes(page: Page) -> None:
    await _submit(page, "#make-codes")


async def _mistype(page: Page) -> None:
    await page.fill("#code", "000000")
    await _submit(page, "#totp-submit")


async def _type(page: Page, code: str) -> None:
    await page.fill("#user-code", code)
    await _submit(page, "#device-go-on")


async def _mistype_device(page: Page) -> None:
    await _type(page, "BBBB-BBBB")


async def _type_device(page: Page) -> None:
    await _type(page, "bdwp hqpk")


async def _it_is_mine(page: Page) -> None:
    await _type_device(page)
    await _submit(page, "#device-mine")


async def _allow_device(page: Page) -> None:
    await _it_is_mine(page)
    await page.check("#bank-0")
    await _submit(page, "#consent-approve")


def _two_steps(world: FakeWorld) -> None:
    world.identity.second = SecondStep(HOLDER, "holder", "Account holder", totp=True, passkeys=True, recovery=2)


def _only_a_password(world: FakeWorld) -> None:
    world.methods.held = Methods(password=True, passkeys=(), totp_since=None, recovery=None, links=())


def _not_offered(world: FakeWorld) -> None:
    budget = ConsentId("g_budget")
    kinds = tuple(dict.fromkeys(line.datatype_label for line in world.connections.all[budget].lines))
    world.connections.all[budget] = replace(world.connections.all[budget], missing=kinds, unserved=True)


@dataclass(frozen=True)
class Stop:
    """A page, what is done on it first, and what the world says meanwhile."""

    name: str
    path: str
    first: Callable[[Page], Awaitable[None]] = _nothing
    world: Callable[[FakeWorld], None] = lambda _: None

    def __str__(self) -> str:
        return self.name


def _closure(said: object) -> Callable[[FakeWorld], None]:
    return lambda world: setattr(world.closures, "said", said)


PAGES = (
    Stop("consent", "/consent/h-budget"),
    Stop("consent picked", "/consent/h-budget", _pick),
    Stop("consent unfolded", "/consent/h-budget", _unfold),
    Stop("consent incomplete", "/consent/h-budget", _pick_nothing),
    Stop("consent unchecked app", "/consent/h-loan"),
    Stop("consent special", "/consent/h-budget", world=_special),
    Stop("consent special incomplete", "/consent/h-budget", _forget_the_yes, _special),
    Stop("consent to more", "/consent/h-budget", world=adding),
    Stop("consent to something else", "/consent/h-budget", world=replacing),
    Stop("sign-in", "/sign-in?next=/consent/h-budget"),
    Stop("sign-in wrong", "/sign-in", _wrong_password),
    Stop("sign-in again", "/sign-in?next=/security&acr=phr", world=_only_a_password),
    Stop("second step", "/sign-in", _second_step, _two_steps),
    Stop("second step wrong", "/sign-in", _wrong_code, _two_steps),
    Stop("security", "/security"),
    Stop("security, only a password", "/security", world=_only_a_password),
    Stop("password", "/security/password"),
    Stop("app for codes", "/security/totp"),
    Stop("app for codes wrong", "/security/totp", _mistype),
    Stop("recovery", "/security/recovery"),
    Stop("recovery codes", "/security/recovery", _make_codes),
    Stop("new passkey", "/security/passkey"),
    Stop("remove", "/security/remove/passkey/key-1"),
    Stop("device", "/device?user_code=bdwphqpk"),
    Stop("device wrong", "/device", _mistype_device),
    Stop("device to compare", "/device", _type_device),
    Stop("device, the question", "/device", _it_is_mine),
    Stop("device, done", "/device", _allow_device),
    Stop("requests waiting", "/connections/waiting"),
    Stop("no requests waiting", "/connections/waiting", world=lambda world: world.elsewhere.requests.clear()),
    Stop("a request from elsewhere", "/consent/h-call"),
    Stop("sign out", "/sign-out/w-budget"),
    Stop("signed out", "/signed-out/w-done"),
    Stop("enrol", "/enrol/link-1"),
    Stop("error", "/nowhere"),
    Stop("home", "/"),
    Stop("connections", "/connections"),
    Stop("no connections", "/connections", world=lambda world: world.connections.all.clear()),
    Stop("connection", "/connections/g_budget", _unfold),
    Stop("connection, not offered", "/connections/g_budget", world=_not_offered),
    Stop("connection, no ledger", "/connections/g_budget", world=lambda world: setattr(world.record, "down", True)),
    Stop("accesses", "/connections/g_budget/accesses"),
    Stop("stop", "/connections/g_budget/stop"),
    Stop("stopped", "/connections/g_loan/stopped", world=_closure(CLOSED)),
    Stop("stopped by lease", "/connections/g_loan/stopped", world=_closure(BY_LEASE)),
    Stop("stopped in part", "/connections/g_loan/stopped", world=_closure(PARTIAL)),
    Stop("stopped, unknown", "/connections/g_loan/stopped", world=_closure(UNKNOWN)),
    Stop("how to check", "/check"),
)
