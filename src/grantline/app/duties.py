"""Who runs as whom. The checkpoint key belongs to a user of its own, so that no other process can read it.

A program that was started by root runs the signer as `ledger.signer_user` and everything else as the owner of the data
directory, each without root's powers. Started by anybody else, all share that user, which `sentence` says.
"""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grantline.app.privileges import (
    CHOWN,
    DAC_OVERRIDE,
    KILL,
    NET_BIND_SERVICE,
    SETGID,
    SETPCAP,
    SETUID,
    Account,
    acting_as,
    become,
    has,
)
from grantline.model import errors
from grantline.model.errors import InvalidConfiguration

OTHERS = ("authority", "ledger", "gateways", "run", "log")
"""What is below the data directory and not the signer's."""
ROOT = 0


@dataclass(frozen=True, slots=True)
class Duties:
    """The signer's account and everybody else's. `parting`: this process is able to take either."""

    signer: Account
    others: Account
    parting: bool

    @property
    def apart(self) -> bool:
        """True if the checkpoint key is out of the other processes' reach."""
        return self.signer.uid != self.others.uid

    @property
    def sentence(self) -> str:
        """For the operator."""
        if self.apart:
            return (
                f"The signer runs as uid {self.signer.uid}, everything else as uid {self.others.uid} without root's "
                "powers: nothing but the signer can read the checkpoint key."
            )
        return (
            f"The signer shares uid {self.others.uid} with every other process: whoever takes over one of them can "
            "read the checkpoint key. Start as root to keep it apart."
        )


def duties(data: Path, signer_user: str) -> Duties:
    """Who is to run as whom over this data directory. Raises `InvalidConfiguration`."""
    current = Account.current()
    if current.uid != ROOT or not has(CHOWN, DAC_OVERRIDE, KILL, SETGID, SETPCAP, SETUID):
        return Duties(current, current, parting=False)
    owner = data.stat() if data.exists() else None
    others = _account(owner.st_uid, owner.st_gid) if owner else current
    if not signer_user:
        return Duties(others, others, parting=True)
    signer = _named(signer_user)
    if signer.uid in (ROOT, others.uid):
        raise InvalidConfiguration(
            f'$.ledger.signer_user: uid {signer.uid} is not the signer\'s alone; name another, or "" to share'
        )
    return Duties(signer, others, parting=True)


def step_down(parts: Duties) -> None:
    """Be one of the others from now on. A port below 1024 remains possible."""
    if parts.parting:
        become(parts.others, keep=(NET_BIND_SERVICE,))


def take_place(parts: Duties, directory: Path) -> None:
    """Be the signer from now on, inside its own directory, which is made and handed over if need be.

    Its path is not used afterwards: the directories above may be closed to the signer.
    """
    if parts.parting:
        with acting_as(parts.others):
            directory.mkdir(exist_ok=True, mode=0o700)
        _try(hand_over, directory, parts.signer)
    try:
        directory.mkdir(exist_ok=True, mode=0o700)
        inside = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except PermissionError as error:
        raise InvalidConfiguration(
            f"{directory} belongs to uid {directory.lstat().st_uid}: start as root, or hand it to uid {os.geteuid()}"
        ) from error
    os.fchdir(inside)
    os.close(inside)
    if parts.parting:
        os.chmod(".", 0o700)
        become(parts.signer)


def require_reach(parts: Duties, data: Path) -> None:
    """Whoever the others are to be has to be able to read this program and enter the data directory.

    Raises `InvalidConfiguration` naming what is closed and what to do.
    """
    needed = [Path(str(module.__file__)) for module in (os, msgspec, errors)]
    try:
        with acting_as(parts.others):
            for each in needed:
                each.open("rb").close()
            list(data.iterdir())
    except PermissionError as error:
        raise InvalidConfiguration(
            f"{data} belongs to uid {parts.others.uid}, as whom the processes are to run, but that user cannot read "
            f"{error.filename}. Open the way there, or take the directory back with: chown 0 {data}"
        ) from error


def hand_over_all(parts: Duties, data: Path) -> None:
    """What an earlier start under another user left becomes the others' own."""
    if not parts.parting:
        return
    for name in OTHERS:
        place = data / name
        # Root leaves files behind in others' directories (`grantline apply`); nobody else can in root's.
        if place.exists() and (parts.others.uid != ROOT or place.lstat().st_uid != ROOT):
            _try(hand_over, place, parts.others)


def hand_over(directory: Path, to: Account) -> None:
    """Give a directory and all below to `to`. No link is followed, and no file that has another name elsewhere."""
    for _, _, files, inside in os.fwalk(directory, follow_symlinks=False):
        for name in files:
            found = os.stat(name, dir_fd=inside, follow_symlinks=False)
            if found.st_uid != to.uid and found.st_nlink == 1:
                os.chown(name, to.uid, to.gid, dir_fd=inside, follow_symlinks=False)
        os.fchown(inside, to.uid, to.gid)


def _try(change: Callable[[Path, Account], None], place: Path, to: Account) -> None:
    try:
        change(place, to)
    except OSError as error:
        raise InvalidConfiguration(
            f"{place} cannot be given to uid {to.uid} ({error.strerror}). $.ledger.signer_user names another user for "
            'the signer; "" lets it share the others\''
        ) from error


def _account(uid: int, gid: int) -> Account:
    """With the user's own group where the system knows the user."""
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid)
    except KeyError:
        return Account(uid, gid)


def _named(user: str) -> Account:
    if user.isdecimal():
        return _account(int(user), int(user))
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise InvalidConfiguration(f"$.ledger.signer_user: there is no user {user} on this machine") from None
    return Account(found.pw_uid, found.pw_gid)
