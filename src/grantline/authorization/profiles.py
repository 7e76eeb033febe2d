"""What the registry knows of a client, in the words in which consent asks for it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from grantline.catalog import Catalog
from grantline.consent import ClientCard, ClientProfile
from grantline.model.consent import Item
from grantline.model.remembered import Remembered
from grantline.parties import Client, metadata_hash


def card_of(client: Client, redirect_uri: str) -> ClientCard:
    """Who asks, and where the answer goes; no host where it does not go by the browser."""
    back = urlsplit(redirect_uri)
    return ClientCard(
        id=client.client_id,
        name=client.name,
        tier=client.tier.value,
        kind=client.kind.value,
        host=urlsplit(client.web).hostname or client.web,
        redirect_host=back.hostname or (f"{back.scheme}:" if back.scheme else ""),
        publisher=client.publisher,
        verified_by=client.verified_by,
    )


@dataclass(frozen=True, slots=True)
class _Registered:
    """What follows from a registration and a catalog alone."""

    ceiling: tuple[Item, ...]
    metadata_hash: str


_REGISTERED = Remembered[_Registered](most=256)


def profile_of(client: Client, catalog: Catalog, redirect_uri: str) -> ClientProfile:
    """The same with the ceiling: the items of all scopes that the client is registered for and the catalog has."""
    registered = _REGISTERED.of(client, catalog, make=lambda: _registered(client, catalog))
    return ClientProfile(
        card=card_of(client, redirect_uri),
        ceiling=registered.ceiling,
        metadata_hash=registered.metadata_hash,
        contact=client.contact or client.web,
        jurisdiction=client.jurisdiction,
    )


def _registered(client: Client, catalog: Catalog) -> _Registered:
    # Each scope by itself: two of them may differ in what joining would refuse, and only one be asked for.
    known = (scope for scope in client.scopes if scope in catalog.file.scopes)
    ceiling = tuple(item for scope in known for item in catalog.scope_items((scope,)))
    return _Registered(ceiling, metadata_hash(client))
