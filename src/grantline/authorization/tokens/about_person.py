"""What a client may learn of the person besides their `sub`: claims of the standard scopes (OIDC Core §5.1, §5.4).

These scopes name no data of an API, so they are in no catalog; they are agreed to like everything else.
"""

from collections.abc import Iterable

from grantline.identity import PersonRow

OPENID = "openid"
CLAIMS_OF: dict[str, tuple[str, ...]] = {
    "profile": ("name", "preferred_username"),
    "email": ("email",),
}
"""Scope → its claims, as far as we know anything of that. Nobody proved the address, so it is never called verified."""

WORDS: dict[str, str] = {
    OPENID: "that it is you whenever you come back",
    "profile": "your name and user name",
    "email": "your e-mail address",
}
"""The same for the person who is asked."""

SCOPES = (OPENID, *CLAIMS_OF)
"""Scopes that are ours and no catalog's."""

CLAIMS = tuple(claim for claims in CLAIMS_OF.values() for claim in claims)


def covered_by(scope: str) -> frozenset[str]:
    """The claims that these scopes (space separated) stand for."""
    return frozenset(claim for name in scope.split() for claim in CLAIMS_OF.get(name, ()))


def scopes_for(claims: Iterable[str]) -> tuple[str, ...]:
    """The scopes that cover these claims; what we know nothing of needs none."""
    wanted = frozenset(claims)
    return tuple(scope for scope, given in CLAIMS_OF.items() if wanted & set(given))


def words_for(scope: str) -> tuple[str, ...]:
    """What these scopes tell of the person, for the page that asks."""
    return tuple(WORDS[name] for name in dict.fromkeys(scope.split()) if name in WORDS)


def values(person: PersonRow, claims: Iterable[str]) -> dict[str, str]:
    """The claims of this person; one that is not known is left out (OIDC Core §5.3.2)."""
    known = {"name": person.name, "preferred_username": person.username, "email": person.email}
    return {claim: value for claim in claims if (value := known.get(claim))}
