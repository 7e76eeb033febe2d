"""What a process may do as the kernel sees it: its user, and the capabilities it gives up. Linux only.

Changes of a user clear the parent-death signal by which a supervisor's children die with it (`cli/leash.py`); every
change here puts it back.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHOWN, DAC_OVERRIDE, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE = 0, 1, 5, 6, 7, 8, 10
"""Capabilities by their numbers (capabilities(7))."""

_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 2, 8, 24, 38
_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the kernel knows one. It needs no entry in the system's list of users."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> "Account":
        """Whoever this process acts as."""
        return cls(os.geteuid(), os.getegid())


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def has(*capabilities: int) -> bool:
    """True if this process may use all of them now."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    effective = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    return all(effective >> each & 1 for each in capabilities)


def become(account: Account, *, keep: tuple[int, ...] = ()) -> None:
    """Be that user from now on, with the capabilities of `keep` and no others; there is no way back.

    Also for root: what remains is the owner of root's files, and may neither read nor change those of others. Before
    the first thread, as the kernel counts capabilities by thread. Raises `OSError`.
    """
    with _on_the_leash():
        for capability in _bounded():
            if capability not in keep:
                _prctl(_PR_CAPBSET_DROP, capability)
        if account != Account.current():
            os.setgroups([])
        _prctl(_PR_SET_KEEPCAPS, 1)
        os.setresgid(account.gid, account.gid, account.gid)
        os.setresuid(account.uid, account.uid, account.uid)
        _hold(keep)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)


@contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Files made meanwhile are that user's, and only what that user may open is opened."""
    before = Account.current()
    if account == before:
        yield
        return
    with _on_the_leash():
        os.setegid(account.gid)
        os.seteuid(account.uid)
    try:
        yield
    finally:
        with _on_the_leash():
            os.seteuid(before.uid)
            os.setegid(before.gid)


@contextmanager
def _on_the_leash() -> Iterator[None]:
    """Whatever signal was to come at the parent's death comes afterwards too, also if the parent died meanwhile."""
    parent, signal = os.getppid(), ctypes.c_int()
    _prctl(_PR_GET_PDEATHSIG, ctypes.byref(signal))
    try:
        yield
    finally:
        _prctl(_PR_SET_PDEATHSIG, signal.value)
        if signal.value and os.getppid() != parent:
            os.kill(os.getpid(), signal.value)


def _bounded() -> range:
    return range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1)


def _hold(keep: tuple[int, ...]) -> None:
    """Hold these capabilities, in this thread; all others are gone."""
    mask = sum(1 << each for each in keep)
    words = (_Data * 2)(_Data(mask & 0xFFFFFFFF, mask & 0xFFFFFFFF, 0), _Data(mask >> 32, mask >> 32, 0))
    if _libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), words) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _prctl(option: int, argument: object) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
