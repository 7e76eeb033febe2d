"""The set-up on a machine that has nothing: a bare Debian root file system, made here and thrown away."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKOUT = "/opt/checkout"
NOBODY = "65534"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a root file system"),
    pytest.mark.timeout(900),
]


def told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def mirror() -> tuple[str, str]:
    """Where this machine's own packages come from, and which release they are of."""
    release = told("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    targets = told("apt-get", "indextargets", "--format", "$(SITE)|$(RELEASE)", "Created-By: Packages")
    sites = [line.split("|")[0] for line in targets.splitlines() if line.endswith(f"|{release}")]
    return sites[0], release


def copy_checkout(to: Path) -> None:
    """What git knows here, and what it would take."""
    listed = told("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def lend_network(root: Path) -> dict[str, str]:
    """How this machine reaches the package registries, lent while the test runs: names, pip's and apt's settings."""
    lent = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    pip = [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"]
    for path in (Path("/etc/resolv.conf"), *pip):
        if path.is_file():
            (root / path.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, root / path.relative_to("/"))
    # Not at its own place: installing Python there brings Debian's own list of authorities.
    trusted = Path(lent.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    if trusted.is_file():
        shutil.copy2(trusted, root / "opt/trusted.pem")
        lent["PIP_CERT"] = "/opt/trusted.pem"
    acquire = [line for line in told("apt-config", "dump").splitlines() if line.startswith("Acquire::")]
    (root / "etc/apt/apt.conf.d/99lent").write_text("\n".join(acquire) + "\n")
    return lent


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A root file system without Python, with the checkout in it, and the environment to enter it with."""
    root = tmp_path_factory.mktemp("bare") / "root"
    site, release = mirror()
    told("debootstrap", "--variant=minbase", release, str(root), site)
    lent = lend_network(root)
    copy_checkout(root / CHECKOUT.lstrip("/"))
    yield root, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **lent}
    shutil.rmtree(root, ignore_errors=True)


def enter(
    bare: tuple[Path, dict[str, str]], *command: str, as_nobody: bool = False
) -> subprocess.CompletedProcess[str]:
    root, environment = bare
    who = [f"--userspec={NOBODY}:{NOBODY}"] if as_nobody else []
    return subprocess.run(
        ["chroot", *who, str(root), *command], check=False, env=environment, capture_output=True, text=True
    )


def test_a_bare_machine_is_told_what_it_lacks_and_root_gets_it_installed(bare: tuple[Path, dict[str, str]]) -> None:
    """One bare system, entered as a newcomer would: first without rights, then as root, then once more."""
    refused = enter(bare, f"{CHECKOUT}/scripts/demo", "--check-setup", as_nobody=True)
    assert refused.returncode == 1
    assert "sudo apt-get install -y python3 python3-venv" in refused.stderr

    done = enter(bare, f"{CHECKOUT}/scripts/demo", "--check-setup")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("grantline ")
    assert "Installing python3 python3-venv" in done.stderr

    again = enter(bare, f"{CHECKOUT}/scripts/demo", "--check-setup")
    assert (again.returncode, again.stderr) == (0, "")

    old = bare[0] / "usr/local/bin"
    for name in ("python3", "python3.11"):
        (old / name).write_text("#!/bin/sh\necho Python 3.9.2\nexit 1\n")
        (old / name).chmod(0o755)
    shutil.rmtree(bare[0] / "opt/checkout/.venv")
    environment = {**bare[1], "PATH": f"/usr/local/bin:{bare[1]['PATH']}"}
    too_old = enter((bare[0], environment), f"{CHECKOUT}/scripts/demo", "--check-setup")
    assert too_old.returncode == 1
    assert "needs Python 3.11 or newer; Python 3.9.2 is what this machine has" in too_old.stderr
