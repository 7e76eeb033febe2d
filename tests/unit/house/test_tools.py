"""What keeps the house in order finds what is out of order."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from tools import clauses, conformance, figures, requirements, texts

PROJECT = tomllib.loads("""
[build-system]
requires = ["uv_build>=0.13"]
[project]
dependencies = ["msgspec>=0.22", "python-multipart>=0.0.34"]
[project.optional-dependencies]
demo = []
test = ["pytest>=9"]
""")
PINNED = """\
msgspec==0.22.0 \\
    --hash=sha256:aa
python_multipart==0.0.40 \\
    --hash=sha256:bb
uv-build==0.13.6 \\
    --hash=sha256:cc
"""


def test_pins_that_fit_are_in_step_whatever_their_spelling() -> None:
    assert requirements.faults("run", PROJECT, PINNED) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PINNED.replace("msgspec==0.22.0", "msgspec==0.21.0"), "msgspec==0.21.0 is not >=0.22"),
        (PINNED.replace("msgspec==", "msgspeck=="), "msgspec is not pinned"),
        (PINNED.replace("    --hash=sha256:bb\n", ""), "a pin without a hash"),
        ("--index-url https://mirror.example/simple\n" + PINNED, "names an address"),
    ],
)
def test_a_pin_out_of_step_is_named(text: str, said: str) -> None:
    (fault,) = requirements.faults("run", PROJECT, text)
    assert said in fault


def test_the_committed_pins_are_in_step() -> None:
    assert requirements.check() == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("see /home/" + "someone/grantline/x", "a path of one machine"),
        ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
        ("https://files.python" + "hosted.org/packages/x", "the address of a package registry"),
        ("postgres://user:" + "pass@db.example/x", "a link with a password"),
    ],
)
def test_a_forbidden_text_is_found_with_its_line(line: str, what: str) -> None:
    assert list(texts.finds("docs/x.md", f"fine\n{line}\n")) == [f"docs/x.md:2: {what}"]


def test_a_docstring_names_lines_only_where_it_says_covers() -> None:
    assert clauses.named("Covers: I4, check 84.\n\nMore.") == ["I4", "check 84"]
    assert clauses.named("Ends at once. Covers: T9.") == ["T9"]
    assert clauses.named("Covers: feed C2, feed C3. The rule removed: what was seen before.") == ["feed C2", "feed C3"]
    assert clauses.named("Covers: line 8; checks 44, 91. More, of it.") == ["line 8", "check 44", "check 91"]
    assert clauses.named("What it is.\n\nCovers: check 4,\ncheck 5.") == ["check 4", "check 5"]
    assert clauses.named("I4 is about epochs.") == []
    assert clauses.named(None) == []


def test_no_test_covers_a_line_that_does_not_exist() -> None:
    assert clauses.faults() == []


def test_a_module_of_a_public_plan_names_only_tests_and_lines_that_there_are() -> None:
    """What is named and not there is a fault of the page, not an empty cell."""
    assert conformance.faults() == []
    lines, tests = {"check 1": ["a::b"], "check 2": ["a::b", "c::d"]}, {"test_x": "e::test_x"}
    assert conformance.shown_by("checks 1, 2", lines, tests) == ["a::b", "c::d"]
    assert conformance.shown_by("check 1, check 3", lines, tests) == []
    assert conformance.shown_by("test_x", lines, tests) == ["e::test_x"]
    assert conformance.shown_by("test_gone", lines, tests) == []


def test_every_line_is_written_once() -> None:
    every = [one for _, lines in clauses.groups() for one in lines]
    assert len(every) == len(set(every)) == 251


def test_nothing_forbidden_is_committed() -> None:
    found = [
        fault
        for path in texts.files()
        if b"\0" not in (data := path.read_bytes())
        for fault in texts.finds(str(path.relative_to(Path(texts.ROOT))), data.decode(errors="replace"))
    ]
    assert found == []


def test_figures_tell_what_is_bounded_also_where_it_missed() -> None:
    row = {"bench": "withdraw", "case": "bank", "metric": "p99", "value": 12.5, "unit": "ms"}
    kept = {**row, "bound": "≤ 50", "holds": True}
    missed = {**row, "value": 61.0, "bound": "≤ 50", "holds": False}
    untold = {**row, "metric": "p50", "bound": None, "holds": None}
    lines = figures.table({"rows": [kept, missed, untold]}).splitlines()
    assert lines[2:] == [
        "| withdraw: bank | p99 | 12.5 ms | ≤ 50 ms | holds |",
        "| withdraw: bank | p99 | 61 ms | ≤ 50 ms | **missed** |",
    ]


def test_a_readme_holds_the_newest_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"before\n{figures.BEGIN}\nold\n{figures.END}\nafter\n"
    (tmp_path / "README.md").write_text(text)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    assert figures.page() == text.replace("old\n", "")
    results = tmp_path / "bench" / "results"
    results.mkdir(parents=True)
    for day, value in (("01", 1.0), ("02", 2.0)):
        row = {"bench": "b", "case": "c", "metric": "m", "value": value, "unit": "", "bound": "≤ 3", "holds": True}
        (results / f"2026-01-{day}.json").write_bytes(msgspec.json.encode({"rows": [row]}))
    assert "| b: c | m | 2 | ≤ 3 | holds |" in figures.page()
