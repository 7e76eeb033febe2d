"""The invariants of a consent hold under any order of acts, and each one fails when its rule is taken away."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from grantline.consent import answer, ask, changing, guards, record, sealing, telling, transitions, versions
from tests.properties.consent.machine import ConsentMachine

LONG = {"max_examples": 1_000, "stateful_step_count": 60}
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def test_any_order_of_acts_keeps_every_invariant():
    """Covers: I1, I2, I3, I4, I5, I6, I7, I12, T1, T2, T4, T6, T9, T10, T11."""
    ConsentMachine.reached.clear()
    run_state_machine_as_test(
        ConsentMachine,
        settings=settings(
            max_examples=200, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=QUIET
        ),
    )
    # The run says something only if it went everywhere.
    everywhere = {"requested", "active", "amended", "refused", "lapsed", "withdrawn", "revoked", "expired"}
    everywhere |= {"merged", "replaced"}
    assert ConsentMachine.reached >= everywhere


@pytest.mark.long(**LONG)
def test_any_order_of_acts_keeps_every_invariant_for_long():
    """Covers: I1, I2, I3, I4, I5, I6, I7, I12."""
    run_state_machine_as_test(
        ConsentMachine,
        settings=settings(**LONG, deadline=None, suppress_health_check=QUIET),
    )


def _asked_as_it_is(catalog: Any, asked: Any, ceiling: Any) -> Any:
    return tuple(asked)


def _no_epoch(state: Any, transition: Any, **ending: Any) -> Any:
    ended = _ended(state, transition, **ending)
    return msgspec.structs.replace(ended, epoch=state.epoch, min_epoch=state.min_epoch)


_ended = transitions.ended


async def _silent(tx: Any, means: Any, transition: Any, after: Any, requested_us: Any) -> Any:
    return object()


async def _always(self: Any, tx: Any, *, consent: Any) -> Any:
    state = await tx.consents.get(consent)
    return state, await tx.consents.version(consent, state.version)


def _ceiling_forgotten(patch: pytest.MonkeyPatch) -> None:
    for module in (ask, answer, guards):
        patch.setattr(module, "effective", _asked_as_it_is)


def _all_of_it(group: Any, picks: Any) -> Any:
    return {choice.id for choice in group.choices if choice.available}


MUTATIONS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "I1: the ceiling is forgotten": _ceiling_forgotten,
    "I2: versions are not sealed": lambda patch: patch.setattr(versions, "seal", lambda version: version),
    "I2: a damaged hash is accepted": lambda patch: patch.setattr(sealing, "_hash", lambda members: "00"),
    "I3: a mint asks nobody": lambda patch: patch.setattr(record.Consents, "require_active", _always),
    "I4: gateways are not told": lambda patch: patch.setattr(telling, "cut_off", _silent),
    "I4: an ending leaves the epoch": lambda patch: patch.setattr(transitions, "ended", _no_epoch),
    "I5: an ended consent can end again": lambda patch: patch.setattr(transitions, "TERMINAL", frozenset()),
    "I6: any state may follow any": lambda patch: patch.setattr(transitions, "check", lambda row, status: None),
    "I7: amending may widen": lambda patch: patch.setattr(guards, "no_wider", lambda *arguments: None),
    "I7: an addition forgets what stands": lambda patch: patch.setattr(
        changing, "_joined", lambda asked, standing: asked
    ),
    "I7: an addition shares everything": lambda patch: patch.setattr(answer, "_chosen", _all_of_it),
    "I12: another text is hashed": lambda patch: patch.setattr(
        versions, "text_hash", lambda lines: hashlib.sha256(b"other").hexdigest()
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_an_invariant_fails_without_its_rule(mutation, monkeypatch):
    """Covers: I1, I2, I3, I4, I5, I6, I7, I12. The invariants above are worth something only if they can fail."""
    MUTATIONS[mutation](monkeypatch)
    with pytest.raises(Exception) as found:  # noqa: PT011, the machine fails with whatever the broken rule causes
        run_state_machine_as_test(
            ConsentMachine,
            settings=settings(
                max_examples=150, stateful_step_count=20, deadline=None, derandomize=True, database=None,
                phases=[Phase.generate], suppress_health_check=QUIET, report_multiple_bugs=False,
            ),
        )  # fmt: skip
    assert not isinstance(found.value, HypothesisException)
