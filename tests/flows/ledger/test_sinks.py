"""Sinks follow the signed log: over real TLS, at least once, each from its own place, and nobody waits for them."""

import asyncio
import json
import re

import pytest

from grantline.app.roles import command
from grantline.app.sinks import open_sink
from grantline.ledger.export import export
from grantline.ledger.published import Published
from grantline.ledger.sinks.follower import Follower, SinkFailed
from grantline.ledger.sinks.settings import SinkSettings, require_sound
from grantline.model.errors import InvalidConfiguration
from grantline.settings import Settings
from tests.client_servers import Answer, _contexts, client_server
from tests.ledger_processes import until
from tests.ledger_world import Producer, about, decision, ledger_in

SIZE = 702


@pytest.fixture
async def log(tmp_path):
    """An export of a log of 702 entries."""
    async with ledger_in(tmp_path / "data") as world:
        gateway = Producer("gw1")
        await world.sequencer.append(gateway.says(decision("g_one", "ev_1", trace="4bf92f3577b34da6a3ce929d0e0e4736")))
        producer = Producer()
        for _ in range(7):
            await world.sequencer.append(producer.says(*(about() for _ in range(100))))
        await world.publish()
        export(world.published, tmp_path / "export")
    return Published(tmp_path / "export")


def follower(log, sink, tmp_path, name="siem"):
    return Follower(name, log, sink, tmp_path / "sinks" / f"{name}.json")


def opened(tmp_path, **said):
    sink = SinkSettings(name="siem", **said)
    require_sound([sink])
    return open_sink(sink, tmp_path / "data", Settings())


async def drained(one):
    while await one.step():
        continue


def indexes(lines):
    return [json.loads(line)["metadata"]["sequence"] for line in lines]


async def test_a_file_gets_every_entry_once_and_goes_on_after_a_restart(log, tmp_path):
    """Covers: line 11."""
    path = tmp_path / "out" / "siem.jsonl"
    sink = opened(tmp_path, to="file", file=path)
    one = follower(log, sink, tmp_path)
    assert await one.step() == 500
    await one.close()
    again = follower(log, opened(tmp_path, to="file", file=path), tmp_path)
    await drained(again)
    assert indexes(path.read_text().splitlines()) == list(range(SIZE))
    assert path.stat().st_mode & 0o077 == 0


async def test_what_a_crash_cut_short_in_a_file_comes_again_whole(log, tmp_path):
    path = tmp_path / "siem.jsonl"
    one = follower(log, opened(tmp_path, to="file", file=path), tmp_path)
    await one.step()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"half of a li')
    (tmp_path / "sinks" / "siem.json").unlink()  # The place was not kept either.
    await drained(one)
    found = indexes(path.read_text().splitlines())
    assert found == [*range(500), *range(SIZE)]


async def test_a_file_turns_at_its_size(log, tmp_path):
    path = tmp_path / "siem.jsonl"
    sink = opened(tmp_path, to="file", file=path, file_mib=0)
    await drained(follower(log, sink, tmp_path))
    assert sorted(each.name for each in tmp_path.glob("siem.jsonl*")) == ["siem.jsonl", "siem.jsonl.000000000500"]
    assert indexes(path.read_text().splitlines()) == list(range(500, SIZE))


async def test_syslog_frames_each_message_over_tls(log, tmp_path):
    """Covers: line 11. RFC 5425 §4.3, RFC 5424 §6."""
    got = bytearray()

    async def take(reader, writer):
        while data := await reader.read(65_536):
            got.extend(data)
        writer.close()

    tls, _ = _contexts(tmp_path, "localhost")
    server = await asyncio.start_server(take, "localhost", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    sink = opened(tmp_path, to="syslog", host="localhost", port=port, ca=tmp_path / "localhost.pem", format="cef")
    one = follower(log, sink, tmp_path)
    await drained(one)
    await one.close()

    async def all_there():
        return len(frames(bytes(got))) == SIZE

    await until(all_there)
    server.close()
    first = frames(bytes(got))[1].decode()
    assert re.match(
        r"<11[0-9]>1 \d{4}-\d\d-\d\dT[0-9:.]+Z \S+ grantline - gateway\.decision - CEF:0\|Grantline\|", first
    )


def frames(data):
    found = []
    while match := re.match(rb"(\d+) ", data):
        end = match.end() + int(match[1])
        if len(data) < end:
            break
        found.append(data[match.end() : end])
        data = data[end:]
    return found


async def test_a_syslog_server_of_another_authority_gets_nothing(log, tmp_path):
    got = bytearray()

    async def take(reader, writer):
        got.extend(await reader.read(65_536))
        writer.close()

    tls, _ = _contexts(tmp_path / "theirs", "localhost")
    _contexts(tmp_path / "ours", "localhost")
    server = await asyncio.start_server(take, "localhost", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    sink = opened(tmp_path, to="syslog", host="localhost", port=port, ca=tmp_path / "ours" / "localhost.pem")
    with pytest.raises(SinkFailed):
        await follower(log, sink, tmp_path).step()
    server.close()
    assert not got
    assert not (tmp_path / "sinks" / "siem.json").exists()


@pytest.mark.parametrize(("to", "content"), [("http", "application/x-ndjson"), ("otlp", "application/json")])
async def test_a_collector_that_fails_gets_the_same_batch_again(log, tmp_path, to, content):
    """Covers: line 11."""
    (tmp_path / "token").write_text("s3cret\n")
    async with client_server(tmp_path, "localhost") as server:
        server.answers["/in"] = Answer(status=503)
        sink = opened(
            tmp_path, to=to, url=server.url("/in"), ca=tmp_path / "localhost.pem", token_file=tmp_path / "token"
        )
        one = follower(log, sink, tmp_path)
        with pytest.raises(SinkFailed, match="answered 503"):
            await one.step()
        assert one.index == 0
        server.answers["/in"] = Answer()
        await drained(one)
        await one.close()
    refused, first, second = (asked.partition("\r\n\r\n") for asked in server.asked)
    assert refused[2] == first[2]
    assert 'idempotency-key: "ledger.example/log/0-499"' in first[0].lower()
    assert 'idempotency-key: "ledger.example/log/500-701"' in second[0].lower()
    assert f"content-type: {content}" in first[0].lower()
    assert "authorization: bearer s3cret" in first[0].lower()
    if to == "http":
        assert indexes([*first[2].splitlines(), *second[2].splitlines()]) == list(range(SIZE))
    else:
        (scope,) = json.loads(first[2])["resourceLogs"][0]["scopeLogs"]
        call = scope["logRecords"][1]
        assert len(scope["logRecords"]) == 500
        assert (call["eventName"], call["severityNumber"]) == ("gateway.decision@1", 9)
        assert call["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert call["timeUnixNano"] == "1700000000000000000"
        assert {"key": "grantline.log.index", "value": {"intValue": "1"}} in call["attributes"]


async def test_a_collector_that_hangs_holds_up_neither_the_ledger_nor_another_sink(tmp_path):
    """Covers: line 11."""
    async with client_server(tmp_path, "localhost") as server, ledger_in(tmp_path / "data") as world:
        server.answers["/in"] = Answer(wait=asyncio.Event())
        path = tmp_path / "siem.jsonl"
        hanging = opened(tmp_path, to="http", url=server.url("/in"), ca=tmp_path / "localhost.pem")
        filed = opened(tmp_path, to="file", file=path)
        following = [
            asyncio.create_task(follower(world.published, sink, tmp_path, name).follow(look_s=0.01))
            for name, sink in (("hangs", hanging), ("files", filed))
        ]
        producer = Producer()
        await world.sequencer.append(producer.says(about()))
        await world.publish()
        await server.heard.wait()
        for _ in range(20):
            await world.sequencer.append(producer.says(*(about() for _ in range(100))))
        size = await world.publish()

        async def filed_all():
            return path.exists() and len(path.read_bytes().splitlines()) == size

        await until(filed_all)
        assert not (tmp_path / "sinks" / "hangs.json").exists()
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


async def test_a_sink_that_comes_back_gets_what_it_missed(tmp_path):
    async with client_server(tmp_path, "localhost") as server, ledger_in(tmp_path / "data") as world:
        server.answers["/in"] = Answer(status=500)
        sink = opened(tmp_path, to="http", url=server.url("/in"), ca=tmp_path / "localhost.pem")
        following = asyncio.create_task(
            follower(world.published, sink, tmp_path).follow(look_s=0.01, longest_pause_s=0.05)
        )
        await world.sequencer.append(Producer().says(about()))
        size = await world.publish()
        await server.heard.wait()
        server.answers["/in"] = Answer()

        async def sent():
            place = tmp_path / "sinks" / "siem.json"
            return place.exists() and json.loads(place.read_text())["index"] == size

        await until(sent)
        following.cancel()


async def test_a_place_of_another_log_is_refused(log, tmp_path):
    place = tmp_path / "sinks" / "siem.json"
    place.parent.mkdir()
    one = follower(log, opened(tmp_path, to="file", file=tmp_path / "x"), tmp_path)
    for said in ({"origin": "other/log", "index": 1}, {"origin": "ledger.example/log", "index": SIZE + 1}):
        place.write_text(json.dumps(said))
        with pytest.raises(InvalidConfiguration, match="of another log"):
            await one.step()


async def test_the_process_follows_until_it_is_told_to_stop(log, tmp_path):
    """As `grantline serve` starts it."""
    data, path = tmp_path / "served", tmp_path / "siem.jsonl"
    (data / "ledger").mkdir(parents=True)
    log.directory.rename(data / "ledger" / "public")
    config = tmp_path / "grantline.toml"
    config.write_text(f'[[sinks]]\nname = "siem"\nto = "file"\nfile = "{path}"\n')
    serving = await asyncio.create_subprocess_exec(*command("sinks", data, config, None))

    async def sent():
        return path.exists() and len(path.read_bytes().splitlines()) == SIZE

    await until(sent)
    serving.terminate()
    assert await asyncio.wait_for(serving.wait(), 10) == 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": "Bad Name", "to": "file", "file": "x"}, "a name has"),
        ({"name": "a", "to": "file"}, r"\$\.sinks\[a\]\.file: a sink to file needs it"),
        ({"name": "a", "to": "syslog"}, "host"),
        ({"name": "a", "to": "http"}, "url"),
        ({"name": "a", "to": "file", "file": "x", "url": "https://a"}, "takes none"),
        ({"name": "a", "to": "http", "url": "http://siem.example/in"}, "https, or http on this machine"),
        ({"name": "a", "to": "http", "url": "ftp://localhost/in"}, "https"),
        ({"name": "a", "to": "otlp", "url": "https://a", "format": "cef"}, "form of its own"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_by_name(said, words):
    with pytest.raises(InvalidConfiguration, match=words):
        require_sound([SinkSettings(**said)])


def test_two_sinks_of_one_name_are_refused():
    one = SinkSettings(name="a", to="http", url="http://localhost:1/in")
    with pytest.raises(InvalidConfiguration, match="two sinks"):
        require_sound([one, one])


def test_a_file_of_authorities_that_cannot_be_read_is_told(tmp_path):
    sink = SinkSettings(name="a", to="http", url="https://a", ca=tmp_path / "none")
    with pytest.raises(InvalidConfiguration, match=r"\$\.sinks\[a\]\.ca"):
        open_sink(sink, tmp_path, Settings())
