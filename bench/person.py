"""A person without a browser: signs in, allows and stops by the forms of the pages."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2

from grantline.sdk.client import Begun, Client, Tokens


class _Forms(HTMLParser):
    """The hidden fields of each form of a page, by the form's address."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._fields = self.forms.setdefault(told.get("action") or "", {})
        elif tag == "input" and told.get("type") == "hidden":
            self._fields[told.get("name") or ""] = told.get("value") or ""


def hidden(page: str, address: str) -> dict[str, str]:
    """Name → value of the hidden fields of the form that posts to `address`."""
    reader = _Forms()
    reader.feed(page)
    return reader.forms[address]


class Person:
    """Someone at the authority `issuer`; `http` keeps the cookies."""

    def __init__(self, http: httpx2.AsyncClient, issuer: str) -> None:
        self._http, self._issuer = http, issuer

    async def sign_in(self, username: str, password: str) -> None:
        """By the sign-in page."""
        told = await self._form("/sign-in", "/sign-in")
        await self._post("/sign-in", told | {"username": username, "password": password})

    async def asked(self, client: Client, scope: str) -> tuple[str, Begun]:
        """The path of the consent page of a new request by the app, and the request."""
        begun = await client.begin(scope=scope, prompt="consent")
        answer = await self._http.get(begun.url)
        return urlsplit(answer.headers["location"]).path, begun

    async def allow(self, client: Client, scope: str, things: dict[str, str]) -> Tokens:
        """From the app's request to its tokens. `things`: resources to pick, by API."""
        page, begun = await self.asked(client, scope)
        picks = {f"resource:{api}": thing for api, thing in things.items()}
        returned = await self._post(page, await self._form(page, page) | picks | {"do": "approve"})
        return await client.finish(begun, returned)

    async def about_to_stop(self, consent: str) -> dict[str, str]:
        """The form of the stop page, filled in."""
        address = f"/connections/{consent}/stop"
        return await self._form(address, address)

    async def stop(self, consent: str, form: dict[str, str]) -> None:
        """Post it."""
        await self._post(f"/connections/{consent}/stop", form)

    async def page(self, path: str) -> str:
        """A page that must be there."""
        page = await self._http.get(urljoin(self._issuer, path))
        if page.status_code != 200:
            raise RuntimeError(f"{path}: HTTP {page.status_code}")
        return page.text

    async def _form(self, path: str, address: str) -> dict[str, str]:
        return hidden(await self.page(path), address)

    async def _post(self, path: str, form: dict[str, str]) -> str:
        """Where it leads."""
        answer = await self._http.post(urljoin(self._issuer, path), data=form)
        if answer.status_code != 303:
            raise RuntimeError(f"{path}: HTTP {answer.status_code}")
        where: str = answer.headers["location"]
        return where
