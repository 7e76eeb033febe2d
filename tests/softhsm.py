"""A PKCS#11 token in software (Debian package softhsm2). A module that needs one imports the fixture `token`."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "1234"
LABEL = "grantline-test"


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The label of this process's token: the module looks for tokens once, when it is first used.

    Logging in is the whole process's, so whoever is left logged in is logged out at the end.
    """
    if "SOFTHSM2_CONF" not in os.environ:
        make_token(tmp_path_factory.mktemp("softhsm"))
    yield LABEL
    pkcs11.lib(str(MODULE)).reinitialize()


def make_token(place: Path) -> None:
    """A token store of its own, known to this process and those it starts."""
    (place / "tokens").mkdir(mode=0o700)
    settings = f"directories.tokendir = {place}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    (place / "softhsm2.conf").write_text(settings)
    os.environ["SOFTHSM2_CONF"] = str(place / "softhsm2.conf")
    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "5678"]
    subprocess.run(command, check=True, capture_output=True)
