"""The log's side of witnessing: our ledger asks our own witnesses, which are real but for the network between them."""

import shutil
from contextlib import ExitStack
from dataclasses import replace

import httpx2
import pytest

from grantline.crypto.cosignature import cosigned
from grantline.crypto.note import VerifierKey, open_checkpoint
from grantline.ledger.export import export
from grantline.ledger.witness.asking import Asking
from grantline.ledger.witness.keeper import Witness
from grantline.ledger.witness.policy import read_policy
from grantline.ledger.witness.service import WitnessApp
from grantline.model.errors import AuditUnavailable, InvalidConfiguration
from grantline.model.events import EventType
from tests.conformance.verifier.a_log import program
from tests.flows.ledger.test_witness import free_port, started
from tests.ledger_world import SETTINGS, Producer, SteadyClock, about, ledger_in


class Network(httpx2.AsyncBaseTransport):
    """Two witnesses behind names of their own. `down`: names that nobody reaches; `asked`: who was."""

    def __init__(self, folder, log):
        self.folder, self.log, self.clock = folder, log, SteadyClock()
        self.open = {}
        self.down, self.asked = set(), []
        self.says = {}
        for name in ("w1", "w2"):
            self.start(name)

    def start(self, name):
        self.open[name] = Witness(self.folder / name, f"{name}.example", [self.log], self.clock)

    def close(self):
        for each in self.open.values():
            each.close()

    async def handle_async_request(self, request):
        name = request.url.host
        self.asked.append(name)
        if name in self.down:
            raise httpx2.ConnectError("nobody there")
        if name in self.says:
            status, text = self.says[name]
            return httpx2.Response(status, text=text)
        return await httpx2.ASGITransport(app=WitnessApp(self.open[name])).handle_async_request(request)

    def policy(self, group="all"):
        lines = [f"witness {name} {each.key} http://{name}/" for name, each in self.open.items()]
        return read_policy("\n".join([*lines, f"group g {group} w1 w2", "quorum g"]))


class Case:
    """A ledger whose log two witnesses watch. `found`: findings, as the record would have them."""

    def __init__(self, world, network, group="all"):
        self.world, self.network, self.found = world, network, []
        self.producer = Producer()
        self.clock = network.clock
        self.policy = network.policy(group)
        self.asking = self.ask_anew()

    def ask_anew(self):
        http = httpx2.AsyncClient(transport=self.network)

        async def finding(code, detail):
            self.found.append((code, detail.get("witness")))

        return Asking(self.world.published, self.policy, http, self.clock, finding, alarm_s=300)

    async def grow(self, count=1):
        await self.world.sequencer.append(self.producer.says(*(about() for _ in range(count))))
        return await self.world.publish()

    def seen(self):
        """Size and names of what is published as witnessed."""
        note = self.world.published.witnessed()
        if note is None:
            return None
        key = VerifierKey.parse(self.world.published.vkey())
        return open_checkpoint(note, key).size, sorted(each.name for each in cosigned(note, self.policy.keys))


@pytest.fixture
async def case(tmp_path):
    async with ledger_in(tmp_path / "data") as world:
        with ExitStack() as stack:
            network = Network(tmp_path, VerifierKey.parse(world.published.vkey()))
            stack.callback(network.close)
            yield Case(world, network)


BOTH = ["w1.example", "w2.example"]


async def test_two_witnesses_cosign_what_grows(case):
    """Covers: AUDIT §5.7, AUDIT §6.8."""
    for count in (1, 5, 250):
        size = await case.grow(count)
        await case.asking.ask()
        assert case.seen() == (size, BOTH)
    assert case.found == []
    case.network.asked.clear()
    await case.asking.ask()
    assert case.network.asked == []


async def test_a_witness_that_is_down_holds_up_nothing_and_catches_up(case):
    """Covers: AUDIT §6.8."""
    first = await case.grow()
    await case.asking.ask()
    case.network.down.add("w2")
    for _ in range(3):
        size = await case.grow(100)
        await case.asking.ask()
        assert case.world.ledger.publisher.last.size == size
    assert case.seen() == (first, BOTH)
    case.network.down.clear()
    await case.asking.ask()
    assert case.seen() == (size, BOTH)


async def test_after_a_restart_it_goes_on_from_what_each_witness_knows(case):
    await case.grow(3)
    await case.asking.ask()
    await case.grow(7)
    anew = case.ask_anew()
    await anew.ask()
    assert case.seen()[1] == BOTH
    assert case.found == []


async def test_one_of_two_is_enough_where_the_policy_says_so(tmp_path):
    async with ledger_in(tmp_path / "data") as world:
        network = Network(tmp_path, VerifierKey.parse(world.published.vkey()))
        case = Case(world, network, "any")
        network.down.add("w1")
        size = await case.grow()
        await case.asking.ask()
        assert case.seen() == (size, ["w2.example"])
        network.close()


async def test_long_silence_is_told_once_and_its_end_begins_anew(case):
    """Covers: AUDIT §5.7."""
    await case.grow()
    await case.asking.ask()
    case.network.down |= {"w1", "w2"}
    for _ in range(7):
        case.clock.now_us += 100_000_000
        await case.asking.ask()
    assert case.found == [("witnesses_late", None)]
    case.network.down.clear()
    await case.asking.ask()
    case.network.down |= {"w1", "w2"}
    case.clock.now_us += 301_000_000
    await case.asking.ask()
    assert case.found == [("witnesses_late", None)] * 2


async def test_a_quiet_log_is_cosigned_again_before_its_cosignatures_are_old(case):
    await case.grow()
    await case.asking.ask()
    before = case.world.published.witnessed()
    case.clock.now_us += 151_000_000
    await case.asking.ask()
    assert case.world.published.witnessed() != before
    assert case.found == []


async def test_a_restart_does_not_hide_that_nobody_cosigned_for_long(case):
    await case.grow()
    await case.asking.ask()
    case.network.down |= {"w1", "w2"}
    case.clock.now_us += 301_000_000
    await case.ask_anew().ask()
    assert case.found == [("witnesses_late", None)]


async def test_a_witness_that_saw_another_history_is_told_of_once(case, tmp_path):
    """Covers: AUDIT §4. The witness got a fork that the log's own key signed."""
    (tmp_path / "fork" / "signer").mkdir(parents=True, mode=0o700)
    shutil.copy(tmp_path / "data" / "signer" / "seed", tmp_path / "fork" / "signer" / "seed")
    async with ledger_in(tmp_path / "fork") as fork:
        await fork.sequencer.append(Producer().says(about(), about(), about()))
        await fork.publish()
        other = Case(fork, case.network)
        await other.asking.ask()
        size, _ = other.seen()
    told = [("witness_refuses", "w1.example"), ("witness_refuses", "w2.example")]
    assert await case.grow(3) == size
    await case.asking.ask()
    assert case.found == told
    for _ in range(2):
        await case.grow(10)
        await case.asking.ask()
    assert case.found == told
    assert case.seen() is None


async def test_a_refusal_that_could_not_be_recorded_is_told_again(case):
    await case.grow()
    case.network.says["w1"] = (409, "999\n")
    told, case.asking._finding = case.asking._finding, unavailable
    with pytest.raises(AuditUnavailable):
        await case.asking.ask()
    case.asking._finding = told
    await case.asking.ask()
    assert case.found == [("witness_refuses", "w1.example")]


async def unavailable(*_):
    raise AuditUnavailable("The disk is full.")


async def test_a_witness_whose_clock_runs_ahead_hides_no_silence(case):
    await case.grow()
    case.clock.now_us += 10**13
    await case.asking.ask()
    case.clock.now_us -= 10**13
    case.network.down |= {"w1", "w2"}
    anew = case.ask_anew()
    case.clock.now_us += 301_000_000
    await anew.ask()
    assert case.found == [("witnesses_late", None)]


@pytest.mark.parametrize(
    "answer",
    [
        (200, ""), (200, "— w2.example AAAAAAAAAAAA\n"), (200, "x" * 100_000), (404, ""), (500, ""), (409, "x\n"),
        (302, ""),
    ],
)  # fmt: skip
async def test_a_witness_that_answers_nonsense_counts_as_silent(case, answer):
    await case.grow()
    case.network.says["w2"] = answer
    await case.asking.ask()
    assert case.seen() is None
    assert case.found == []
    del case.network.says["w2"]
    await case.asking.ask()
    assert case.seen()[1] == BOTH


async def test_a_witness_ahead_of_the_log_is_a_rollback(case):
    await case.grow()
    case.network.says["w1"] = (409, "999\n")
    await case.asking.ask()
    assert case.found == [("witness_refuses", "w1.example")]


async def test_lines_that_a_witness_adds_in_other_names_are_not_taken(case):
    await case.grow()
    note = case.world.published.checkpoint()
    await case.asking.ask()
    line = case.world.published.witnessed().removeprefix(note).splitlines(keepends=True)[0]
    case.network.says["w1"] = (200, "— stranger.example AAAAAAAAAAAA\n" + line)
    case.clock.now_us += 151_000_000
    await case.asking.ask()
    assert "stranger" not in case.world.published.witnessed()


async def test_an_answer_is_read_up_to_the_size_of_a_note(case):
    await case.grow()
    note = case.world.published.checkpoint()
    await case.asking.ask()
    line = case.world.published.witnessed().removeprefix(note).splitlines(keepends=True)[0]
    before = case.world.published.witnessed()
    case.network.says["w1"] = (200, line + "x" * 100_000)
    case.clock.now_us += 151_000_000
    await case.asking.ask()
    assert case.world.published.witnessed() == before


async def test_the_whole_way_with_a_witness_process_and_an_auditor(tmp_path, capsys):
    """A ledger set up by its settings asks a witness in a process of its own; an auditor believes both keys."""
    port = free_port()
    async with ledger_in(tmp_path / "data") as world:
        vkey = world.published.vkey()
        (tmp_path / "log.vkey").write_text(vkey)
    policy = tmp_path / "policy"
    with started(tmp_path, port, vkey) as (_, lines):
        witness = lines[0].removeprefix("witness ").strip()
        policy.write_text(f"log {vkey.strip()}\nwitness one {witness} http://127.0.0.1:{port}\nquorum one\n")
        async with ledger_in(tmp_path / "data", settings=replace(SETTINGS, witness_policy=policy)) as world:
            await world.sequencer.append(Producer().says(*(about() for _ in range(200))))
            await world.publish()
            await world.ledger.asking.ask()
            export(world.published, tmp_path / "export", witnessed=True)
    arguments = ["log", f"{tmp_path}/export", "--vkey", f"{tmp_path}/log.vkey", "--policy", str(policy)]
    assert program().main(arguments) == 0
    assert "seen by w.example/1 at" in capsys.readouterr().out
    assert program().main(["log", f"{tmp_path}/data/ledger/public", *arguments[2:]]) == 0


async def test_findings_stand_in_the_record(tmp_path):
    policy = tmp_path / "policy"
    network = None
    async with ledger_in(tmp_path / "data") as world:
        network = Network(tmp_path, VerifierKey.parse(world.published.vkey()))
    key = network.open["w1"].key
    network.close()
    policy.write_text(f"witness one {key} http://127.0.0.1:{free_port()}\nquorum one\n")
    clock = SteadyClock()
    settings = replace(SETTINGS, witness_policy=policy)
    async with ledger_in(tmp_path / "data", settings=settings, clock=clock) as world:
        clock.now_us += 301_000_000
        await world.ledger.asking.ask()
        head = world.stores.entries.head().frontier.size
        (body,) = world.stores.entries.bodies(head - 1, head)
        assert EventType.FINDING.encode() in body
        assert b'"rsn":"witnesses_late"' in body


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no quorum"), ("quorum g", "line 1"), ("witness w x", "line 1"), ("what", "line 1"),
        (None, "No such file"),
        ("witness a {k} http://a\nwitness b {k} http://b\nquorum a", "one key twice"),
        ("witness a {k}\ngroup g 2 a\nquorum g", "line 2"), ("witness a {k}\ngroup g any a a\nquorum g", "line 2"),
    ],
)  # fmt: skip
async def test_a_policy_that_cannot_be_read_stops_the_start(tmp_path, text, words):
    policy = tmp_path / "policy"
    if text is not None:
        key = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
        policy.write_text(text.format(k=key))
    with pytest.raises(InvalidConfiguration, match=words):
        async with ledger_in(tmp_path / "data", settings=replace(SETTINGS, witness_policy=policy)):
            pass
