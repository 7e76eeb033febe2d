"""Entries as other systems read events (AUDIT §1): whole, in their place, and unable to break out of their line."""

import json
import re

import pytest
from typer.testing import CliRunner

from grantline.app.own_secrets import producer_key
from grantline.cli.program import app
from grantline.crypto.es256 import SigningKey, verify_jws
from grantline.crypto.merkle import leaf_hash
from grantline.ledger.formats.cef import cef
from grantline.ledger.formats.cloudevents import cloudevent
from grantline.ledger.formats.event_token import event_token
from grantline.ledger.formats.ocsf import KINDS, ocsf
from grantline.ledger.formats.record import Record
from grantline.model.events import EventType
from tests.ledger_world import Producer, about, decision, ledger_in, outcome

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
KEY = SigningKey.generate()


@pytest.fixture
async def data(tmp_path):
    """A directory with a log of 302 entries."""
    async with ledger_in(tmp_path) as world:
        await world.sequencer.append(Producer().says(about(), *(about() for _ in range(250))))
        gateway = Producer("gw1")
        call = decision("g_one", "ev_1", trace=TRACE, span=SPAN, act="read", jti_hash="ab")
        refused = decision("g_one", "ev_2", "deny", rsn="grant_withdrawn")
        await world.sequencer.append(gateway.says(call, outcome("ev_1", 200), refused))
        await world.sequencer.append(Producer(boot="b_2").says(*(about() for _ in range(47))))
        await world.publish()
        bodies = world.stores.entries.bodies(0, 400)
    return tmp_path, bodies


def exported(data, kind, *more):
    done = CliRunner().invoke(app, ["ledger", "export", "--format", kind, "--data", str(data), *more])
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("ocsf", lambda line: json.loads(line)["metadata"]["sequence"]),
        ("cloudevents", lambda line: int(json.loads(line)["sequence"])),
        ("cef", lambda line: int(re.search(r" cn1=(\d+) ", line)[1])),
    ],
)
async def test_each_entry_comes_once_in_order_and_the_next_run_goes_on(data, kind, place):
    """Covers: AUDIT §5.8."""
    directory, bodies = data
    assert [place(line) for line in exported(directory, kind)] == list(range(len(bodies)))
    for since in (1, 255, 256, 257, 301, 302, 9_999):
        assert [place(line) for line in exported(directory, kind, "--since-index", str(since))] == list(
            range(since, 302)
        )


async def test_a_call_in_ocsf_is_api_activity_with_its_delegation(data):
    """Covers: AUDIT §1."""
    directory, bodies = data
    events = [json.loads(line) for line in exported(directory, "ocsf")]
    call, refused = (event for event in events if event["metadata"]["event_code"] == "gateway.decision@1")
    assert (call["class_uid"], call["activity_id"], call["type_uid"], call["category_uid"]) == (6003, 2, 600302, 6)
    assert (call["status_id"], refused["status_id"], refused["status_detail"]) == (1, 2, "grant_withdrawn")
    assert call["metadata"]["correlation_uid"] == TRACE
    assert call["unmapped"]["delegation"]["client"] == "budget"
    assert call["unmapped"]["delegation"]["purpose"] == "budgeting"
    at = call["metadata"]["sequence"]
    assert call["raw_data_hash"]["value"] == leaf_hash(bodies[at]).hex()
    assert {event["unmapped"]["log"]["index"] for event in events} == set(range(302))


REQUIRED = {
    2004: {"finding_info"}, 3001: {"user"}, 3002: {"user"}, 3004: {"entity"}, 3005: {"user", "resource", "privileges"},
    6002: {"app"}, 6003: {"actor", "api", "src_endpoint"}, 6005: {"actor", "src_endpoint", "database"},
}  # fmt: skip
BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}


def told(kind="consent.given@1", **members):
    leaf = {"id": "e-1", "type": kind, "t": 1_700_000_000_000_000, "tc": 1_700_000_000_000_000, "prod": "gw1",
            "boot": "b", "pseq": 1, "act": "read", "res": "accounts", "out": "permit"}  # fmt: skip
    return Record("log.example/one", 7, leaf | members, "ab" * 32)


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_has_its_class_with_what_the_class_requires(kind):
    """Covers: AUDIT §1. A new type without a class is noticed here."""
    one = told(kind.value)
    assert one.code in KINDS
    event = json.loads(ocsf(one))
    assert event.keys() >= BASE | REQUIRED[event["class_uid"]]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["category_uid"] == event["class_uid"] // 1000


async def test_a_cloud_event_has_what_the_specification_requires(data):
    directory, _ = data
    events = [json.loads(line) for line in exported(directory, "cloudevents")]
    for event in events:
        assert event["specversion"] == "1.0"
        assert all(event[name] for name in ("id", "source", "type"))
        assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in event)
    (call,) = (event for event in events if "traceparent" in event)
    assert call["traceparent"] == f"00-{TRACE}-{SPAN}-00"
    assert call["type"] == "grantline.gateway.decision.v1"


def test_an_event_token_is_signed_and_says_what_happened():
    one = told(tr=TRACE)
    token = event_token(one, KEY, 1_700_000_005).decode()
    claims = json.loads(verify_jws(token, lambda _kid: KEY.public, "secevent+jwt"))
    assert (claims["iss"], claims["jti"], claims["txn"]) == ("https://log.example/one", "e-1", TRACE)
    assert (claims["iat"], claims["toe"]) == (1_700_000_005, 1_700_000_000)
    assert claims["events"] == {"urn:grantline:event:consent.given@1": one.leaf}
    assert claims["log"]["index"] == 7


@pytest.mark.parametrize("form", [cef, cloudevent, ocsf])
def test_what_somebody_sent_cannot_begin_a_line_or_a_field(form):
    """Covers: AUDIT §4 (log injection)."""
    hostile = "x|y=z\\\n\rCEF:0|fake\x1b[2J\u202e cn1=1"
    line = form(told(act=hostile, rsn=hostile, client=hostile)).decode()
    assert "\n" not in line
    assert "\r" not in line
    assert "\x1b" not in line
    if form is cef:
        assert line.isprintable()
        *head, extension = re.split(r"(?<!\\)\|", line, maxsplit=7)
        assert (len(head), head[4], head[6]) == (7, "consent.given", "3")
        names = re.findall(r"(?:^| )(\w+)(?<!\\)=", extension)
        assert sorted(names) == sorted(set(names))
        assert extension.count("cn1=7") == 1


def test_what_is_typed_wrong_is_told(tmp_path):
    for arguments in ([], [str(tmp_path / "x"), "--format", "cef"], ["--format", "xml"]):
        done = CliRunner().invoke(app, ["ledger", "export", *arguments, "--data", str(tmp_path)])
        assert done.exit_code == 2, done.output


async def test_a_set_is_signed_by_the_key_that_the_ledger_knows_the_authority_by(data):
    directory, bodies = data
    lines = exported(directory, "set")
    key = producer_key(directory).public
    claims = [json.loads(verify_jws(line, lambda _kid: key, "secevent+jwt")) for line in lines]
    assert [claim["log"]["leaf"] for claim in claims] == [leaf_hash(body).hex() for body in bodies]
