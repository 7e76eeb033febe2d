"""What the manual shows can be copied: its files are read as they stand there."""

import re
import tomllib
from pathlib import Path

import pytest

from grantline.parties import read_client
from grantline.settings import Settings, load

DOCS = Path(__file__).parents[3] / "docs"


def shown(page: str) -> str:
    """Every TOML block of a page, one after the other, as one file."""
    return "\n".join(re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL))


def test_the_client_that_the_manual_shows_is_read_whole() -> None:
    (table,) = tomllib.loads(shown("clients.md"))["clients"]
    client = read_client(table, "$.clients[0]")
    assert client.logout.backchannel_uri == "https://budget.example/signed-out"


def test_the_provider_that_the_manual_shows_is_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "grantline.toml"
    file.write_text(shown("sign-in.md"))
    settings: Settings = load(file, {})
    assert [one.name for one in settings.upstreams] == ["corp"]
    assert settings.fetching.private_hosts == ("id.corp.example",)


@pytest.mark.parametrize("page", ["clients.md", "sign-in.md", "operate.md"])
def test_no_link_of_the_manual_leads_nowhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", (DOCS / page).read_text()):
        file, _, heading = target.partition("#")
        text = (DOCS / (file or page)).read_text()
        slugs = {
            re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert not heading or heading in slugs, target
