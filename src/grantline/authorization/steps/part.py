"""Less of a consent for the same client: a token for fewer scopes stands on a part of it, which ends with it."""

from dataclasses import dataclass, field
from functools import lru_cache

from grantline.authorization.grants import Redeeming
from grantline.authorization.profiles import profile_of
from grantline.authorization.standing import Stands
from grantline.authorization.steps.audience import narrow_audience
from grantline.catalog import Catalog
from grantline.consent import Held, Part, Wish, attenuate


@dataclass(frozen=True, slots=True)
class _Fewer:
    """Some scopes of a version, by a catalog, both known by their hashes: the same question has the same answer."""

    scopes: tuple[str, ...]
    content_hash: str
    catalog_hash: str
    held: Held = field(compare=False)
    catalog: Catalog = field(compare=False)


def audiences(stands: Stands) -> tuple[str, ...]:
    """Every API that this consent is about, by its resource identifier."""
    return tuple(dict.fromkeys(place for item in stands.version.granted for place in item.locations))


async def part_of(
    redeeming: Redeeming, stands: Stands, scope: str | None, wanted: tuple[str, ...], *, channel: str
) -> tuple[Stands, tuple[str, ...]]:
    """What a token of this request stands on, and its audiences.

    Audiences are narrowed in the token, which gateways look at; scopes are names alone, so fewer of them are a consent
    of their own. Raises `InvalidScope`, `InvalidTarget`.
    """
    resources = narrow_audience(audiences(stands), wanted)
    scopes = tuple(dict.fromkeys((scope or "").split()))
    if not scopes:
        return stands, resources
    catalog, version = redeeming.server.catalog(), stands.version
    held = Held(items=version.granted, scope=version.scope, resources=audiences(stands))
    less = _named(_Fewer(scopes, version.content_hash, catalog.hash, held, catalog))
    part = await standing_on(redeeming, stands, less, channel=channel)
    return (stands, resources) if part is stands else (part, narrow_audience(less.resources, wanted))


# A service asks for the same scopes each time.
@lru_cache(maxsize=512)
def _named(fewer: _Fewer) -> Held:
    return attenuate(fewer.catalog, fewer.held, Wish(scopes=fewer.scopes))


async def standing_on(redeeming: Redeeming, stands: Stands, less: Held, *, channel: str) -> Stands:
    """A consent of the same client for this part of what it holds; the whole where nothing of it is left out."""
    catalog, state, version = redeeming.server.catalog(), stands.state, stands.version
    if set(less.items) == set(version.granted):
        return stands
    part = Part(
        receiver=profile_of(redeeming.client, catalog, redeeming.client.web),
        subject=state.subject,
        items=less.items,
        scope=less.scope,
        expires_at=version.expires_at,
        channel=channel,
        agent=version.agent or None,
    )
    made = await redeeming.server.consents.pass_on(redeeming.tx, catalog=catalog, held=(state, version), part=part)
    return Stands(*made)
