"""The demonstration's world as files: what is declared to the authority, and the programs around it."""

import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from demo.ports import choose
from grantline.app.places import Places
from grantline.cli.supervisor import Child
from grantline.crypto.custody.file import load_or_create_signing_key, write_private
from grantline.gateway.instance_key import instance_key
from grantline.model.ids import ApiId, GatewayId

HERE = Path(__file__).parent
BANK, CALENDAR = GatewayId("bank"), GatewayId("calendar")
PEOPLE = (("holder", "Account holder"), ("partner", "Joint owner"), ("operator", "Operator"))


@dataclass(frozen=True, slots=True)
class World:
    """One demonstration below `folder`. Everything in it is made on the first start and kept."""

    folder: Path
    ports: dict[str, int]

    @classmethod
    def at(cls, folder: Path) -> "World":
        """The world kept in `folder`, with loopback ports that are free now."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(folder.resolve(), choose(folder / "ports.json"))

    @property
    def data(self) -> Path:
        """The authority's data directory."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """Settings of `grantline serve`."""
        return self.folder / "grantline.toml"

    @property
    def declaration(self) -> Path:
        """What `grantline apply` makes true."""
        return self.folder / "world.toml"

    @property
    def logs(self) -> Path:
        """Logs of the programs around the authority."""
        return self.folder / "logs"

    def address(self, name: str) -> str:
        """Base URL of one program. The authority is `localhost`, all others 127.0.0.1: cookies ignore ports."""
        host = "localhost" if name == "authority" else "127.0.0.1"
        return f"http://{host}:{self.ports[name]}"

    def passwords(self) -> dict[str, str]:
        """User name → password, made once."""
        path = self.folder / "accounts.json"
        if not path.exists():
            made = {name: f"{name}-{secrets.token_urlsafe(9)}" for name, _ in PEOPLE}
            write_private(path, json.dumps(made, indent=1).encode())
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def write(self) -> None:
        """Settings, declaration and keys, for the ports of this start."""
        self.logs.mkdir(exist_ok=True)
        self.data.mkdir(exist_ok=True, mode=0o700)
        for name, password in self.passwords().items():
            write_private(self.folder / f"{name}.password", password.encode())
        self.config.write_text(self._settings())
        self.declaration.write_text(self._declared())
        for gateway in (BANK, CALENDAR):
            key = instance_key(Places(self.data).gateway(gateway))
            self.gateway_key(gateway).write_bytes(msgspec.json.encode(key.public.jwk))

    def gateway_key(self, gateway: GatewayId) -> Path:
        """The gateway's public key, as an API pins it."""
        return self.folder / f"{gateway}-gateway.jwk"

    def programs(self) -> list[Child]:
        """Everything that runs, in the order of its start."""
        serve = ("-m", "grantline", "serve", "--data", str(self.data), "--config", str(self.config))
        python = sys.executable
        return [
            Child("bank", (python, "-m", "demo.bank"), self._bank(), ready=False, log=self.logs / "bank.log"),
            Child("grantline", (python, *serve, "--gateway", BANK), ready=False, log=self.logs / "grantline.log"),
            Child("envoy", self._envoy(), ready=False, log=self.logs / "envoy.log"),
            Child(
                "calendar", (python, "-m", "demo.calendar"), self._calendar(), ready=False,
                log=self.logs / "calendar.log",
            ),
            Child(
                "budget", (python, "-m", "demo.budget.app"), self._budget(), ready=False, log=self.logs / "budget.log"
            ),
        ]  # fmt: skip

    @property
    def envoy_bootstrap(self) -> Path:
        """Envoy's configuration."""
        return self.folder / "envoy.json"

    def call_log(self, api: str) -> Path:
        """Where an API writes down each call it begins."""
        return self.logs / f"{api}-calls.jsonl"

    @property
    def load_log(self) -> Path:
        """Where the budgeting app writes down each call of a load."""
        return self.logs / "load.jsonl"

    @property
    def envoy_log(self) -> Path:
        """Envoy's access log."""
        return self.data / "log" / "envoy-bank.jsonl"

    def _envoy(self) -> tuple[str, ...]:
        return (str(Path(sys.executable).with_name("envoy")), "--config-path", str(self.envoy_bootstrap),
                "--concurrency", "1", "--log-level", "error", "--disable-hot-restart",
                "--file-flush-interval-msec", "200")  # fmt: skip

    def _settings(self) -> str:
        return f"""[server]
port = {self.ports["authority"]}
issuer = "{self.address("authority")}"

[[fronts]]
api = "{ApiId("bank")}"
gateway = "{BANK}"
base = "{self.address("bank_gateway")}"
upstream = "{self.address("bank")}"
"""

    def _declared(self) -> str:
        people = "".join(_person(name, shown) for name, shown in PEOPLE)
        key = load_or_create_signing_key(self.folder / "budget.pem").public.jwk
        jwk = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
        return f"""catalog = "{HERE / "catalog.toml"}"

[[clients]]
id = "budget-app"
name = "Budget app"
publisher = "Budget app publisher, Ireland"
web = "https://budget.example"
tier = "verified"
verified_by = "Example Bank"
redirect_uris = ["{self.address("budget")}/callback"]
auth = "private_key_jwt"
jwks = [{{ {jwk} }}]
grants = ["authorization_code", "refresh_token"]
scopes = ["bank.transactions", "bank.balances", "bank.categories", "calendar.events"]
{people}"""

    def _bank(self) -> dict[str, str]:
        return {
            "BANK_PORT": str(self.ports["bank"]),
            "BANK_GATEWAY": BANK,
            "BANK_GATEWAY_KEY": str(self.gateway_key(BANK)),
            "BANK_LOG": str(self.call_log("bank")),
        }

    def _calendar(self) -> dict[str, str]:
        return {
            "CALENDAR_PORT": str(self.ports["calendar"]),
            "CALENDAR_DATA": str(self.data),
            "CALENDAR_ISSUER": self.address("authority"),
            "CALENDAR_LOG": str(self.call_log("calendar")),
        }

    def _budget(self) -> dict[str, str]:
        return {
            "BUDGET_PORT": str(self.ports["budget"]),
            "BUDGET_ISSUER": self.address("authority"),
            "BUDGET_BANK": self.address("bank_gateway"),
            "BUDGET_CALENDAR": self.address("calendar"),
            "BUDGET_KEY": str(self.folder / "budget.pem"),
            "BUDGET_LOAD_LOG": str(self.load_log),
        }


def _person(username: str, name: str) -> str:
    roles = '["operator"]' if username == "operator" else "[]"
    names = "" if username == "operator" else f'resource_names = {{ bank = "{username}", calendar = "{username}" }}\n'
    return f"""
[[people]]
username = "{username}"
name = "{name}"
roles = {roles}
{names}password = {{ file = "{username}.password" }}
"""
