"""`ledger compare` and `ledger verify --witness-policy`, as an operator or auditor types them."""

import pytest
from typer.testing import CliRunner

from grantline.cli.program import app
from grantline.model.errors import InvalidConfiguration
from tests.conformance.verifier.a_log import LOG, W1, W2, entries, note, write


@pytest.fixture
def files(tmp_path):
    """Checkpoints and keys by name."""
    found = entries(5)
    texts = {
        "vkey": str(LOG.verifier), "mine": note(found), "yours": W1.cosign(note(found), 1), "older": note(found[:4]),
        "fork": note(entries(5, x=1)), "junk": "junk", "policy": f"witness a {W1.vkey}\nquorum a\n",
        "other": f"witness b {W2.vkey}\nquorum b\n",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["ledger", *(str(one) for one in arguments)])


@pytest.mark.parametrize(
    ("other", "code", "words"),
    [
        ("yours", 0, "the same: 5 entries"),
        ("older", 3, "tell nothing by themselves"),
        ("fork", 1, "these two files prove it"),
    ],
)
def test_two_checkpoints_of_one_log(files, other, code, words):
    """Covers: AUDIT §4, AUDIT §5.8."""
    done = run("compare", files / "mine", files / other, "--vkey", files / "vkey")
    assert (done.exit_code, words in done.output) == (code, True), done.output


@pytest.mark.parametrize("other", ["junk", "absent"])
def test_what_is_no_checkpoint_is_one_line(files, other):
    done = run("compare", files / "mine", files / other, "--vkey", files / "vkey")
    assert isinstance(done.exception, InvalidConfiguration)


def test_verifying_with_witnesses(files):
    """Covers: AUDIT §5.7."""
    export = write(files / "log", entries(5))
    command = ["verify", "--export", export, "--vkey", files / "vkey", "--witness-policy"]
    done = run(*command, files / "policy")
    assert (done.exit_code, "not enough" in done.output) == (1, True), done.output
    (export / "checkpoint.witnessed").write_text((files / "yours").read_text())
    assert run(*command, files / "policy").exit_code == 0
    assert run(*command, files / "other").exit_code == 1
    (export / "checkpoint.witnessed").write_text(W1.cosign(note(entries(5, x=1)), 1))
    assert run(*command, files / "policy").exit_code == 1
