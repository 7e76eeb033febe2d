"""A key for each person: pseudonyms are made with it and details sealed under it. Destroying it is the erasure.

A person is known by several names (person, pairwise subject, consent); each leads to the key. A gateway knows a
consent but no person, so a consent's first event may come before the person's: its key is tied to the person later.
"""

import hmac
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grantline.crypto.encoding import b64url
from grantline.ledger.root_keys import RootKeys
from grantline.ledger.store import KeyRow, KeyStore
from grantline.model.events import Event, EventType
from grantline.model.ids import Randomness, event_id

INSTANCE = "instance:details"
EVIDENCE = frozenset(
    {
        EventType.CONSENT_GIVEN, EventType.CONSENT_REFUSED, EventType.CONSENT_AMENDED, EventType.CONSENT_WITHDRAWN,
        EventType.CONSENT_REVOKED, EventType.CONSENT_EXPIRED, EventType.CONSENT_PASSED_ON,
    }
)  # fmt: skip
"""What proves a consent: sealed under a key of its own, which an erasure leaves unless it is told otherwise."""
_CACHE = 16_384
_NAMES = 64
_PSEUDONYM = 16  # bytes: as hard to hit by chance as any other 128-bit name


class Holder:
    """One person's key, opened. `secret`: 32 bytes; everything used is derived from it."""

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.key_id = key_id
        self._secret = secret
        self._names: dict[str, str] = {}

    @cached_property
    def sealing(self) -> AESGCM:
        """AES-256-GCM under the derived sealing key."""
        return AESGCM(hmac.digest(self._secret, b"seal", "sha256"))

    def pseudonym(self, month: str) -> str:
        """The person's name in the leaves of one month (`YYYY-MM`)."""
        return self._name(f"ps{month}")

    def consent_in(self, month: str, consent: str) -> str:
        """A consent's name in the leaves of one month."""
        return self._name(f"{consent}{month}")

    def consent_ref(self, consent: str) -> str:
        """A consent's lasting name in projections, which go when the key goes."""
        return self._name(f"consent {consent}")

    def _name(self, label: str) -> str:
        name = self._names.get(label)
        if name is None:
            if len(self._names) >= _NAMES:
                self._names.clear()
            name = b64url(hmac.digest(self._secret, label.encode(), "sha256")[:_PSEUDONYM])
            self._names[label] = name
        return name


class PersonKeys:
    """Finds or makes the key for an event. New keys are written by `flush`, before the entries that need them."""

    def __init__(self, store: KeyStore, roots: RootKeys, randomness: Randomness) -> None:
        self._store = store
        self._roots = roots
        self._randomness = randomness
        self._cache: OrderedDict[str, Holder] = OrderedDict()
        self._new_keys: list[KeyRow] = []
        self._new_names: list[tuple[str, str]] = []

    def for_subject(self, event: Event) -> Holder:
        """The key of the person the event is about; the instance's own when it is about nobody."""
        return self._tie(_names(event) or [INSTANCE])

    def for_details(self, event: Event, subject: Holder) -> Holder:
        """The key that the event's details are sealed under: `subject`, or the person's other one for evidence."""
        names = [_as_evidence(name) for name in _names(event)]
        return self._tie(names) if names and event.type in EVIDENCE else subject

    def known(self, event: Event) -> Holder | None:
        """The key of the person the event is about, if there is one; none is made."""
        found = (self._find(name) for name in _names(event) or [INSTANCE])
        return next((each for each in found if each is not None), None)

    def for_actor(self, event: Event) -> Holder | None:
        """The key of whoever acted, when that is somebody else than the person concerned."""
        if event.actor is None or event.actor == event.person:
            return None
        return self._tie([f"person:{event.actor}"])

    def flush(self) -> None:
        """Make new keys and names durable."""
        if self._new_keys or self._new_names:
            self._store.keep(self._new_keys, self._new_names)
            self._new_keys, self._new_names = [], []

    def forget_unwritten(self) -> None:
        """After a failed flush: drop what was made, so that nothing is sealed under a key that is not kept."""
        self._new_keys, self._new_names = [], []
        self._cache.clear()

    def consent(self, consent: str) -> Holder | None:
        """The key that a consent's events are under."""
        return self._find(f"consent:{consent}")

    def of_person(self, person: str) -> tuple[str, ...]:
        """Ids of all keys that this person's events are under."""
        return tuple(row.key_id for row in self._store.of(f"person:{person}"))

    def of_evidence(self, person: str) -> tuple[str, ...]:
        """Ids of all keys that the proof of this person's consents is under."""
        return tuple(row.key_id for row in self._store.of(_as_evidence(f"person:{person}")))

    def destroy(self, key_ids: Sequence[str]) -> None:
        """Remove keys with every name that leads to them, for good. Raises `AuditUnavailable`."""
        self._store.remove(key_ids)
        self.forget()

    def forget(self) -> None:
        """Read keys anew from now on: some were destroyed."""
        self._cache.clear()

    def is_kept(self, key_id: str) -> bool:
        """True while the key was not destroyed, whether it can be opened or not."""
        return self._store.get(key_id) is not None

    def opened(self, key_id: str) -> Holder | None:
        """The key with this id; None once erased."""
        row = self._store.get(key_id)
        return None if row is None else self._open(row)

    def _tie(self, names: Iterable[str]) -> Holder:
        found = [(name, self._find(name)) for name in names]
        holder = next((each for _, each in found if each is not None), None) or self._make()
        for name, known in found:
            if known is None:
                self._remember(name, holder)
            if known is None or (known.key_id != holder.key_id and not self._leads(name, holder)):
                self._new_names.append((name, holder.key_id))
        return holder

    def _leads(self, name: str, holder: Holder) -> bool:
        return any(row.key_id == holder.key_id for row in self._store.of(name))

    def _find(self, name: str) -> Holder | None:
        holder = self._cache.get(name)
        if holder is not None:
            self._cache.move_to_end(name)
            return holder
        row = self._store.lookup(name)
        if row is None:
            return None
        return self._remember(name, self._open(row))

    def _make(self) -> Holder:
        key_id, secret, nonce = event_id(self._randomness), self._randomness(32), self._randomness(12)
        self._new_keys.append(KeyRow(key_id, self._roots.wrap(secret, key_id, nonce)))
        return Holder(key_id, secret)

    def _open(self, row: KeyRow) -> Holder:
        return Holder(row.key_id, self._roots.unwrap(row.wrapped, row.key_id))

    def _remember(self, name: str, holder: Holder) -> Holder:
        self._cache[name] = holder
        if len(self._cache) > _CACHE:
            self._cache.popitem(last=False)
        return holder


def _names(event: Event) -> list[str]:
    """Everything that leads to the key of the person concerned."""
    return [
        f"{kind}:{value}"
        for kind, value in (("consent", event.consent), ("person", event.person), ("subject", event.subject))
        if value is not None
    ]


def _as_evidence(name: str) -> str:
    return f"evidence:{name}"
