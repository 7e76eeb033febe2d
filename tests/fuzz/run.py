"""Fuzzes targets with atheris, one process each: `python -m tests.fuzz.run [TARGET…] --runs N --seed S`.

Prints one line for each: its name, the inputs it tried, the edges it reached. An input that fails is left in
`--crashes` and the exit code is 1; keep it in the target's corpus, under a name that says what it is.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["grantline"]):
    from tests.fuzz.planted import PLANTED
    from tests.fuzz.table import CORPUS, TARGETS

LONGEST = 4_096
"""Bytes of an input that it makes up."""
_DONE = re.compile(r"#(\d+)\s+DONE\s+(?:cov: (\d+))?")
_TIMEOUT_S = 20


def fuzz(name: str, runs: int, seed: int, crashes: Path) -> bool:
    """Try `runs` inputs, those of the corpus first; True if none of them failed. They are made from `seed` alone."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 2)
            os.dup2(said.fileno(), 1)
            _enter(name, runs, seed, crashes)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return _told(name, said.read().decode(errors="replace"), status)


def _enter(name: str, runs: int, seed: int, crashes: Path) -> None:
    """What libFuzzer does ends the process."""
    options = (f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", f"-timeout={_TIMEOUT_S}", "-rss_limit_mb=1024")
    corpus = CORPUS / name
    # The first directory is where it would keep what it finds; the corpus itself is only read.
    found = tempfile.mkdtemp()
    places = [found, *([str(corpus)] if corpus.is_dir() else [])]
    atheris.Setup(["fuzz", *options, f"-artifact_prefix={crashes}/{name}-", *places], (TARGETS | PLANTED)[name])
    atheris.Fuzz()


def _told(name: str, said: str, status: int) -> bool:
    done = _DONE.search(said)
    if status == 0 and done:
        print(f"{name:24}{done[1]:>10} inputs {done[2] or 0:>7} edges", flush=True)
        return True
    print(f"{name:24}FAILED\n{said}", flush=True)
    return False


def main() -> int:
    """Fuzz the targets that are named, else all; 1 if an input failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("targets", nargs="*", default=sorted(TARGETS))
    arguments.add_argument("--runs", type=int, default=1_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--crashes", type=Path, default=Path(tempfile.gettempdir()))
    asked = arguments.parse_args()
    kept = [fuzz(name, asked.runs, asked.seed, asked.crashes) for name in asked.targets]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
