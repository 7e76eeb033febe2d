"""Every kept input, and a few of no particular form, come to an outcome that their parser promises."""

import pytest

from tests.fuzz.table import CORPUS, FAMILIES, TARGETS

KEPT = [(path.parent.name, path.name) for path in sorted(CORPUS.glob("*/*"))]
PLAIN = (b"", b"\0", b"\xff\xfe", b"a", b"{}", b"[" * 5_000, b"%ff=%00&a&a", b"9" * 5_000, b"a.b.c", b"\n\n\n", b"=")


@pytest.mark.parametrize(("name", "kept"), KEPT, ids=lambda part: part)
def test_a_kept_input_is_read_or_refused(name: str, kept: str) -> None:
    """Covers: line 11."""
    TARGETS[name]((CORPUS / name / kept).read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_plain_nonsense_is_read_or_refused(name: str) -> None:
    """Covers: line 11."""
    for data in PLAIN:
        TARGETS[name](data)


def test_each_target_has_a_corpus_and_each_family_a_target() -> None:
    assert {name for name, _ in KEPT} == set(TARGETS)
    assert {run.__module__ for run in TARGETS.values()} == {family.__name__ for family in FAMILIES}
