"""Every address of a registration besides its redirect URIs: no script, no file, no half address (check 128)."""

from collections.abc import Iterator

from grantline.model.errors import InvalidConfiguration
from grantline.parties.clients import Client
from grantline.parties.redirects import check_redirect_uri, check_web_address


def check_uris(client: Client, path: str) -> None:
    """Raise `InvalidConfiguration` for the first address that is not http(s), plain and whole.

    After signing out, people may also be sent to a private scheme, as they may be with a code.
    """
    for place, uri in _addresses(client):
        check_web_address(uri, f"{path}.{place}")
    for index, uri in enumerate(client.logout.redirect_uris):
        check_redirect_uri(uri, f"{path}.logout.redirect_uris[{index}]")


def require_https(client: Client, path: str) -> None:
    """The same for registrations that no operator made: http is for redirects on the client's own machine alone."""
    for place, uri in _addresses(client):
        if place != "web" and not uri.startswith("https://"):
            raise InvalidConfiguration(f"{path}.{place}: must be an https address.")


def _addresses(client: Client) -> Iterator[tuple[str, str]]:
    backchannel = None if client.backchannel is None else client.backchannel.endpoint
    named = {
        "web": client.web,
        "jwks_uri": client.jwks_uri,
        "logo_uri": client.logo_uri,
        "policy_uri": client.policy_uri,
        "terms_uri": client.terms_uri,
        "initiate_login_uri": client.initiate_login_uri,
        "logout.backchannel_uri": client.logout.backchannel_uri,
        "logout.frontchannel_uri": client.logout.frontchannel_uri,
        "backchannel.endpoint": backchannel,
    }
    yield from ((place, uri) for place, uri in named.items() if uri is not None)
    # A hash behind a request_uri tells which content is meant (OIDC Registration §2); it is never sent.
    yield from ((f"request_uris[{at}]", uri.partition("#")[0]) for at, uri in enumerate(client.request_uris))
