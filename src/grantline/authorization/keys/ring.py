"""The keys as they stand at this moment, read at each use: signing never waits for a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grantline.authorization.keys.store import KeyRow, KeyState
from grantline.crypto.public_keys import read_public_key
from grantline.crypto.signing import ALGORITHMS, PublicKey, SigningKey
from grantline.model.errors import TemporarilyUnavailable

_ORDER = (KeyState.ACTIVE, KeyState.PUBLISHED, KeyState.RETIRED)


@dataclass(frozen=True, slots=True)
class KeySet:
    """One moment. `signing`: by algorithm; `published`: everything in the JWKS, what signs first.

    `former`: kept keys that verify no token any more, compromised ones left out: for hints and receipts.
    """

    signing: Mapping[str, SigningKey]
    published: tuple[PublicKey, ...]
    former: tuple[PublicKey, ...] = ()
    known: Mapping[str, PublicKey] = field(init=False)

    def __post_init__(self) -> None:
        """By kid."""
        object.__setattr__(self, "known", {key.kid: key for key in self.published})

    @classmethod
    def of_rows(cls, rows: Sequence[KeyRow], signing: Mapping[str, SigningKey]) -> "KeySet":
        """From what is stored, with the signing keys that custody opened."""
        listed = sorted((row for row in rows if row.state in _ORDER), key=_place)
        gone = (row for row in rows if row.state is KeyState.GONE and not row.compromised)
        return cls(
            signing, tuple(read_public_key(row.jwk) for row in listed), tuple(read_public_key(row.jwk) for row in gone)
        )


class KeyRing:
    """Whoever signs or verifies holds this, never a key: what it holds may be replaced between two uses."""

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys

    @classmethod
    def of(cls, *signing: SigningKey) -> "KeyRing":
        """These keys, for good; of each algorithm the last one signs."""
        return cls(KeySet({key.public.alg: key for key in signing}, tuple(key.public for key in signing)))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What can be signed with now."""
        return tuple(sorted(self.keys.signing, key=ALGORITHMS.index))

    @property
    def published(self) -> tuple[PublicKey, ...]:
        """The JWKS."""
        return self.keys.published

    def for_alg(self, alg: str) -> SigningKey:
        """The key that signs with this algorithm; raises `TemporarilyUnavailable` where there is none."""
        found = self.keys.signing.get(alg)
        if found is None:
            raise TemporarilyUnavailable("Nothing can be signed like that right now.", detail=f"no key for {alg}")
        return found

    def find(self, kid: str) -> PublicKey | None:
        """The public key of this name; an unknown one is refused (check 114)."""
        return self.keys.known.get(kid)

    def find_ever(self, kid: str) -> PublicKey | None:
        """Also a key that is gone, for what may be older than any token, such as a hint; never a compromised one."""
        return self.find(kid) or next((key for key in self.keys.former if key.kid == kid), None)


def _place(row: KeyRow) -> tuple[int, int]:
    """In the JWKS: what signs stands first."""
    return _ORDER.index(row.state), ALGORITHMS.index(row.alg)
