"""What the operator of these tests' instance declares: the clients, one person, and an API for agents."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
CALLBACK = "http://127.0.0.1:9/callback"
PRIVATE_SCHEME = "com.example.app:/callback"
SCOPE = "openid profile offline_access calendar.events"
PERSON, PASSWORD = "visitor", "a long enough password"

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
GRANTS = ["authorization_code", "refresh_token"]
APP = {"grants": GRANTS, "redirect_uris": [CALLBACK]}
SERVICE = {"kind": "service", "grants": ["client_credentials"]}
WITH_SECRET = {"auth": "client_secret_basic", "dpop_bound": False}
WITH_KEY = {"auth": "private_key_jwt", "profile": "fapi2"}
LOOPBACK = "http://127.0.0.1"
"""Without a port: on a loopback address any is the same (RFC 8252 §7.3)."""
CLIENTS: dict[str, dict[str, Any]] = {
    "secret-app": {**APP, **WITH_SECRET},
    "public-app": {**APP, "dpop_bound": False},
    "mcp-app": {**APP, "dpop_bound": False, "profile": "mcp"},
    "keyed-app": {**APP, **WITH_KEY},
    "native-app": {
        "grants": GRANTS, "dpop_bound": False, "application_type": "native",
        "redirect_uris": [f"{LOOPBACK}/callback", PRIVATE_SCHEME],
    },
    "browser-app": {"grants": GRANTS, "redirect_uris": [f"{LOOPBACK}/callback"], "dpop_bound": False},
    "browser-app-with-key": {"grants": GRANTS, "redirect_uris": [f"{LOOPBACK}/callback"]},
    "posted-app": {"redirect_uris": [f"{LOOPBACK}/posted"], "dpop_bound": False},
    "apache-app": {"grants": GRANTS, **WITH_SECRET},
    "device-app": {"grants": [DEVICE], "dpop_bound": False},
    "calling-app": {"grants": [CIBA], "auth": "private_key_jwt", "dpop_bound": False},
    "keyed-service": {**SERVICE, **WITH_KEY},
    "mcp-api": {**SERVICE, **WITH_SECRET},
}  # fmt: skip
"""By id, what differs between them. Addresses that are known only when tests run come to `declaration`."""

AGENTS_API = """
[apis.mcp]
label = "Events for agents"
type = "mcp_data"
resource = "{mcp}"
gateways = ["mcp"]

[apis.mcp.data.events]
label = "events"
sensitivity = 1
fields = {{ start = {{ label = "start" }}, end = {{ label = "end" }} }}

[apis.mcp.data.notes]
label = "notes"
sensitivity = 1
fields = {{ text = {{ label = "text" }} }}

[[apis.mcp.routes]]
id = "mcp.events"
method = "GET"
path = "/events"
action = "read"
data = "events"
label = "List events"
records = ["events"]

[[apis.mcp.routes]]
id = "mcp.notes"
method = "GET"
path = "/notes"
action = "read"
data = "notes"
label = "List notes"
records = ["notes"]

[scopes."mcp.events"]
api = "mcp"
data = "events"
actions = ["read"]
purpose = "budgeting"
required = ["start", "end"]

[scopes."mcp.notes"]
api = "mcp"
data = "notes"
actions = ["read"]
purpose = "budgeting"
required = ["text"]
"""


def catalog(mcp: str) -> str:
    """The demonstration's, and an API at an address of these tests."""
    return (ROOT / "demo" / "catalog.toml").read_text() + AGENTS_API.format(mcp=mcp)


def declaration(differing: dict[str, dict[str, Any]]) -> str:
    """The operator's file. `differing`: by client, what else is told of it."""
    tables = [_table("clients", {**_common(name), **CLIENTS[name], **differing.get(name, {})}) for name in CLIENTS]
    person = {"username": PERSON, "name": "Visitor Example", "resource_names": {"calendar": PERSON, "mcp": PERSON}}
    given = {"client": "keyed-service", "purpose": "budgeting", "scopes": ["calendar.events"]}
    tables += [_table("people", person) + 'password = { file = "password" }\n', _table("service_grants", given)]
    return 'catalog = "catalog.toml"\n' + "".join(tables)


def _common(name: str) -> dict[str, Any]:
    scopes = ["openid", "profile", "calendar.events", "mcp.events", "mcp.notes"]
    return {"id": name, "name": name, "publisher": "Tester", "web": "https://app.example", "scopes": scopes}


def _table(name: str, values: dict[str, Any]) -> str:
    return f"\n[[{name}]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())


def toml(value: Any) -> str:
    """A value as TOML writes it in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)
