"""Pinned packages with hashes and without addresses, one file per tier: `python -m tools.requirements write|check`.

`test.txt` holds everything and is resolved first; the others repeat its versions, so that one environment can serve
them all. `check` needs no network: it compares the files with what pyproject.toml asks for.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements"
TIERS: dict[str, tuple[str, ...]] = {
    "test": ("test", "demo", "postgres"),
    "demo": ("demo",),
    "postgres": ("postgres",),
    "run": (),
}
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


def asked(tier: str, project: dict[str, Any]) -> list[Requirement]:
    """What pyproject.toml asks for directly in this tier, the build backend included."""
    extras = project["project"]["optional-dependencies"]
    lines = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in TIERS[tier]:
        lines += extras[extra]
    return [Requirement(line) for line in lines]


def pinned(text: str) -> dict[str, str]:
    """Name (normalised, PEP 503) → version of every pin in a requirements file."""
    found = (PIN.match(line) for line in text.splitlines())
    return {normal(match["name"]): match["version"] for match in found if match}


def normal(name: str) -> str:
    """A project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def faults(tier: str, project: dict[str, Any], text: str) -> list[str]:
    """Every way in which a requirements file is out of step, in words."""
    pins = pinned(text)
    found = []
    for wish in asked(tier, project):
        version = pins.get(normal(wish.name))
        if version is None:
            found.append(f"requirements/{tier}.txt: {wish.name} is not pinned")
        elif not wish.specifier.contains(version, prereleases=True):
            found.append(f"requirements/{tier}.txt: {wish.name}=={version} is not {wish.specifier}")
    if "://" in text:
        found.append(f"requirements/{tier}.txt names an address")
    if text.count("==") > text.count("--hash=sha256:"):
        found.append(f"requirements/{tier}.txt has a pin without a hash")
    return found


def check() -> list[str]:
    """Faults over all tiers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    texts = {tier: (PINS / f"{tier}.txt").read_text() for tier in TIERS}
    found = [fault for tier, text in texts.items() for fault in faults(tier, project, text)]
    everything = pinned(texts["test"])
    for tier, text in texts.items():
        found += [
            f"requirements/{tier}.txt: {name}=={version} differs from test.txt"
            for name, version in pinned(text).items()
            if everything.get(name) != version
        ]
    return found


def write(options: list[str]) -> None:
    """Resolve every tier with uv; pins that still fit stay."""
    for tier, extras in TIERS.items():
        command = ["uv", "pip", "compile", "pyproject.toml", "--group", "build", "--universal", "--quiet"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]
        command += ["--no-annotate", "--output-file", f"requirements/{tier}.txt", *options]
        for extra in extras:
            command += ["--extra", extra]
        if tier != "test":
            command += ["--constraint", "requirements/test.txt"]
        subprocess.run(command, cwd=ROOT, check=True)


def main(arguments: list[str]) -> int:
    """Exit code 0 when in step (or written), 1 otherwise."""
    match arguments:
        case ["check"]:
            found = check()
            print("\n".join([*found, "Run scripts/lock."]) if found else "in step")
            return 1 if found else 0
        case ["write", *options]:
            write(options)
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
