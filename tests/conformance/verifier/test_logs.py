"""The verifier that an auditor takes along, on logs that are as they should be."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from grantline.ledger.published import Published
from grantline.ledger.verify import verify
from tests.conformance.verifier.a_log import LOG, ORIGIN, PROGRAM, W1, W2, Witness, entries, note, program, write

SIZES = (0, 1, 2, 255, 256, 257, 511, 512, 700, 65_536, 65_793)


@pytest.fixture
def vkey(tmp_path):
    path = tmp_path / "log.vkey"
    path.write_text(str(LOG.verifier))
    return path


def run(*arguments, module=None):
    return (module or program()).main([str(one) for one in arguments])


@pytest.mark.parametrize("size", SIZES)
def test_a_sound_log_is_verified_as_our_own_verifier_does(tmp_path, vkey, capsys, size):
    """Covers: AUDIT §2."""
    log = write(tmp_path / "log", entries(size))
    assert run("log", log, "--vkey", vkey) == 0
    said = capsys.readouterr().out
    own = verify(Published(log), vkey=vkey.read_text())
    assert own.ok
    assert said == f"verified: {size} entries of audit.example/log1\nroot {own.root}\n"


@pytest.mark.parametrize("version", ["3.9", "3.12", "3.13"])
def test_it_runs_on_an_old_python_with_nothing_installed(tmp_path, vkey, version):
    """Also on the running one without site packages, which is what counts where no other is installed."""
    log = write(tmp_path / "log", entries(300))
    other = shutil.which(f"python{version}")
    works = other is not None and subprocess.run([other, "-V"], capture_output=True, check=False).returncode == 0
    python = other if works else sys.executable
    command = [python, "-I", "-S", PROGRAM, "log", log, "--vkey", vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert "300 entries" in done.stdout


def test_it_imports_nothing_of_ours():
    text = PROGRAM.read_text()
    assert "grantline." not in text
    assert "from grantline" not in text


def test_a_published_log_is_read_over_http(tmp_path, vkey, capsys):
    log = write(tmp_path / "log", entries(300))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(log)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert run("log", f"http://127.0.0.1:{server.server_address[1]}/", "--vkey", vkey) == 0
        (log / "tile" / "0" / "001.p" / "44").unlink()
        assert run("log", f"http://127.0.0.1:{server.server_address[1]}", "--vkey", vkey) == 3
    finally:
        server.shutdown()
        server.server_close()
    assert "tile/0/001" in capsys.readouterr().err


def test_a_full_tile_stands_in_for_a_partial_one_that_is_gone(tmp_path, vkey):
    """C2SP lets a log remove partial tiles once the full one is there; the checkpoint in hand may be older."""
    found = entries(600)
    write(tmp_path / "log", found[:300])
    log = write(tmp_path / "log", found, note(found[:300]))
    for level in ("entries", "0"):
        shutil.rmtree(log / "tile" / level / "001.p")
    assert run("log", log, "--vkey", vkey) == 0


@pytest.mark.parametrize(("size", "start"), [(600, 256), (600, 599), (65_793, 65_536), (70_000, 66_000), (300, 400)])
def test_a_pruned_log_is_verified_from_its_minimum_index(tmp_path, vkey, capsys, size, start):
    """Covers: AUDIT §5.6. What lies below is gone with the tiles that it alone needs; the signed root still holds."""
    log = write(tmp_path / "log", entries(size))
    first = min(start, size) // 256 * 256
    for number in range(first // 256):
        for level in ("entries", "0"):
            name = f"x{number // 1000:03d}/{number % 1000:03d}" if number > 999 else f"{number:03d}"
            (log / "tile" / level / name).unlink()
    for number in range(first // 65_536):
        (log / "tile" / "1" / f"{number:03d}").unlink()
    assert run("log", log, "--vkey", vkey) == 3
    assert run("log", log, "--vkey", vkey, "--min-index", start) == 0
    assert f"entries below {first} are pruned" in capsys.readouterr().out


def test_what_was_seen_is_kept_and_continued(tmp_path, vkey):
    found, state = entries(400), tmp_path / "seen.json"
    for size in (0, 3, 300, 300, 400):
        assert run("log", write(tmp_path / f"at-{size}", found[:size]), "--vkey", vkey, "--state", state) == 0
    assert '"size": 400' in state.read_text()
    assert verify(Published(tmp_path / "at-400"), vkey=vkey.read_text(), state=state).ok


def test_a_state_below_the_pruned_part_cannot_be_compared(tmp_path, vkey, capsys):
    found, state = entries(600), tmp_path / "seen.json"
    assert run("log", write(tmp_path / "a", found[:100]), "--vkey", vkey, "--state", state) == 0
    log = write(tmp_path / "b", found)
    assert run("log", log, "--vkey", vkey, "--state", state, "--min-index", 512) == 3
    assert "cannot be compared" in capsys.readouterr().err


# Witnesses

TWO = "\n".join((
    "# who watches", f"log {LOG.verifier}", f"witness one {W1.vkey} https://w1.example/", f"witness two {W2.vkey}",
    "group both all one two", "group either any one two", "",
))  # fmt: skip


@pytest.mark.parametrize(
    ("quorum", "cosigners", "code"),
    [
        ("both", (W1, W2), 0), ("both", (W1,), 1), ("either", (W2,), 0), ("either", (), 1), ("one", (W1,), 0),
        ("one", (W2,), 1), ("none", (), 0),
    ],
)  # fmt: skip
def test_a_policy_says_who_must_have_seen_it(tmp_path, vkey, capsys, quorum, cosigners, code):
    """Covers: AUDIT §5.7."""
    found, policy = entries(3), tmp_path / "policy"
    policy.write_text(f"{TWO}quorum {quorum}\n")
    text = note(found)
    for one in cosigners:
        text = one.cosign(text, 1_800_000_000)
    assert run("log", write(tmp_path / "log", found, text), "--vkey", vkey, "--policy", policy) == code
    out, err = capsys.readouterr()
    assert ("quorum" in err) if code else all(f"seen by {one.name} at 2027-01-15" in out for one in cosigners)


def test_groups_of_groups_and_counts(tmp_path, vkey):
    third = Witness("w3", b"\x04" * 32)
    policy = tmp_path / "policy"
    policy.write_text(f"{TWO}witness three {third.vkey}\ngroup most 2 both either three\nquorum most\n")
    for cosigners, code in (((W1,), 1), ((W1, W2), 0), ((W1, third), 0), ((third,), 1)):
        text = note(entries(3))
        for one in cosigners:
            text = one.cosign(text, 1)
        log = write(tmp_path / "log", entries(3), text)
        assert run("log", log, "--vkey", vkey, "--policy", policy) == code


@pytest.mark.parametrize(
    "line",
    [
        "quorum nobody", "group none any one", "group g 3 one two", "group g 0 one two", "group g any", "witness one x",
        "witness one " + W1.vkey, "log x", "what", "quorum",
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_read_refuses(tmp_path, vkey, line):
    policy = tmp_path / "policy"
    policy.write_text(f"{TWO}{line}\nquorum none\n")
    log = write(tmp_path / "log", entries(1))
    assert run("log", log, "--vkey", vkey, "--policy", policy) == 1


def test_a_policy_without_quorum_refuses(tmp_path, vkey, capsys):
    (tmp_path / "policy").write_text(TWO)
    assert run("log", write(tmp_path / "log", []), "--vkey", vkey, "--policy", tmp_path / "policy") == 1
    assert "no quorum" in capsys.readouterr().err


# What a receipt remembers


def test_a_receipt_that_quotes_the_log(tmp_path, vkey, capsys):
    """Covers: AUDIT §5.7. Whoever keeps a receipt keeps a state of the log."""
    found, kept = entries(400), tmp_path / "receipt.json"
    own = {"origin": ORIGIN, "size": 300, "root": note(found[:300]).split("\n")[2]}
    log = write(tmp_path / "log", found)
    for quoted, code in (
        ({"receipt": {"log": own}, "jws": "…"}, 0), ({"log": own}, 0), ({"log": own | {"size": 299}}, 1),
        ({"log": own | {"size": 401}}, 1), ({"log": own | {"origin": "other"}}, 1), ({"log": {}}, 1), ({}, 1),
        ({"receipt": []}, 1),
    ):  # fmt: skip
        kept.write_text(json.dumps(quoted))
        assert run("log", log, "--vkey", vkey, "--seen", kept) == code, quoted
    rewritten = write(tmp_path / "rewritten", entries(400, x=1))
    kept.write_text(json.dumps({"log": own}))
    assert run("log", rewritten, "--vkey", vkey, "--seen", kept) == 1
    assert "fork: the first 300 entries" in capsys.readouterr().err


# Two checkpoints


def test_comparing_two_checkpoints(tmp_path, vkey, capsys):
    found = entries(5)
    for name, text in {"a": note(found), "b": note(found), "c": note(found[:4]), "d": note(entries(5, x=1))}.items():
        (tmp_path / name).write_text(text)
    assert run("compare", tmp_path / "a", tmp_path / "b", "--vkey", vkey) == 0
    assert run("compare", tmp_path / "a", tmp_path / "c", "--vkey", vkey) == 3
    assert run("compare", tmp_path / "a", tmp_path / "d", "--vkey", vkey) == 1
    assert "two roots for 5 entries; these two files prove it" in capsys.readouterr().err


def test_usage_and_absent_files_have_codes_of_their_own(tmp_path, vkey):
    for wrong in ([], ["log", tmp_path], ["what"]):
        with pytest.raises(SystemExit) as stopped:
            run(*wrong)
        assert stopped.value.code == 2
    assert run("log", tmp_path / "nothing", "--vkey", vkey) == 3
    assert run("log", tmp_path, "--vkey", tmp_path / "no-key") == 3
