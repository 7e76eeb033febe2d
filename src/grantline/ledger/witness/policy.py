"""Which witnesses are asked, and how many have to have seen a checkpoint (C2SP tlog-policy)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from grantline.crypto.cosignature import WitnessKey
from grantline.crypto.note import InvalidNote, VerifierKey
from grantline.model.errors import InvalidConfiguration

NONE = "none"


@dataclass(frozen=True, slots=True)
class Watcher:
    """One witness. `url`: where it is asked, without a slash at its end; empty if it is only believed."""

    key: WitnessKey
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these members, which are witnesses or groups named before."""

    wanted: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the file says. `logs`: keys of the logs it is about, if it names any."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, Watcher]
    groups: Mapping[str, Group]
    quorum: str

    @property
    def keys(self) -> list[WitnessKey]:
        """The keys of all witnesses."""
        return [each.key for each in self.witnesses.values()]

    def met(self, seen_by: Collection[WitnessKey]) -> bool:
        """Whether cosignatures of these are enough."""
        return self._met(self.quorum, seen_by)

    def _met(self, name: str, seen_by: Collection[WitnessKey]) -> bool:
        if name == NONE:
            return True
        if name in self.witnesses:
            return self.witnesses[name].key in seen_by
        group = self.groups[name]
        return sum(self._met(member, seen_by) for member in group.members) >= group.wanted


def load_policy(path: Path) -> Policy:
    """Raises `InvalidConfiguration` for a file that cannot be read."""
    try:
        return read_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"$.ledger.witness_policy: {error}") from error


def read_policy(text: str) -> Policy:
    """Raises `InvalidConfiguration`, with the line that cannot be read."""
    logs: list[VerifierKey] = []
    witnesses: dict[str, Watcher] = {}
    groups: dict[str, Group] = {}
    quorum: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        words = [] if line.startswith("#") else line.split()
        names = {*witnesses, *groups, NONE}
        try:
            match words:
                case []:
                    continue
                case ["log", vkey, *rest] if len(rest) <= 1:
                    logs.append(VerifierKey.parse(vkey))
                case ["witness", name, vkey, *rest] if len(rest) <= 1 and name not in names:
                    witnesses[name] = Watcher(WitnessKey.parse(vkey), rest[0].rstrip("/") if rest else "")
                case ["group", name, wanted, *members] if members and name not in names:
                    groups[name] = _group(wanted, members, names - {NONE})
                case ["quorum", name] if quorum is None and name in names:
                    quorum = name
                case _:
                    raise ValueError("cannot be read, or names something unknown or twice")
        except (ValueError, InvalidNote) as error:
            raise InvalidConfiguration(f"line {number} of the witness policy: {error}") from error
    if quorum is None:
        raise InvalidConfiguration("the witness policy names no quorum")
    if len({each.key.public for each in witnesses.values()}) < len(witnesses):
        raise InvalidConfiguration("the witness policy names one key twice: it would count as two witnesses")
    return Policy(tuple(logs), witnesses, groups, quorum)


def _group(wanted: str, members: list[str], names: set[str]) -> Group:
    if not set(members) <= names or len(set(members)) < len(members):
        raise ValueError("a group has members that are unknown or there twice")
    count = {"any": 1, "all": len(members)}.get(wanted) or (int(wanted) if wanted.isdecimal() else 0)
    if not 1 <= count <= len(members):
        raise ValueError("a group wants 'any', 'all' or a number of its members")
    return Group(count, tuple(members))
