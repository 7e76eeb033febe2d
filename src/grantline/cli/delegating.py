"""What `grantline apply` gives to services themselves, and whose statements about people it makes believed."""

import secrets
from typing import TYPE_CHECKING

from grantline.model.errors import InvalidConfiguration

if TYPE_CHECKING:
    from grantline.app.state import State
    from grantline.catalog import Catalog
    from grantline.cli.declaration import Declaration
    from grantline.model.clock import Clock
    from grantline.settings import Settings


def require_fitting(catalog: "Catalog | None", declaration: "Declaration", clock: "Clock") -> None:
    """Service grants have to fit catalog and registration; raises `InvalidConfiguration` before any change.

    One for a client that is not declared in the same file is held against its registration when it is applied.
    """
    from grantline.authorization import read_service_grant

    now = clock.wall_us() // 1_000_000
    declared = {client.id: client for client in declaration.clients}
    seen: set[str] = set()
    for number, grant in enumerate(declaration.service_grants):
        path = f"$.service_grants[{number}]"
        if catalog is None:
            raise InvalidConfiguration(f"{path}: a service grant speaks about a catalog; declare one with it")
        if grant.client in seen:
            raise InvalidConfiguration(f"{path}.client: {grant.client} is named twice; a service has one grant")
        seen.add(grant.client)
        if grant.client in declared:
            read_service_grant(catalog, declared[grant.client], grant, now, path)


async def give_and_trust(
    state: "State", catalog: "Catalog | None", declaration: "Declaration", clock: "Clock", settings: "Settings"
) -> list[str]:
    """One line for each service grant and each issuer. Saying the same again changes nothing."""
    from grantline.authorization import give_service_grant, trust
    from grantline.consent import Consents

    said: list[str] = []
    consents = Consents(clock=clock, randomness=secrets.token_bytes, settings=settings.consents)
    for number, grant in enumerate(declaration.service_grants):
        assert catalog is not None
        path = f"$.service_grants[{number}]"
        change = await state.write(
            lambda tx, grant=grant, path=path: give_service_grant(tx, consents, catalog, grant, path)  # type: ignore[misc]
        )
        said.append(f"service grant {grant.client} {change}")
    for issuer in declaration.trusted_issuers:
        changed = await state.write(lambda tx, issuer=issuer: trust(tx, issuer, clock, secrets.token_bytes))  # type: ignore[misc]
        said.append(f"issuer {issuer.issuer} {'changed' if changed else 'unchanged'}")
    return said
