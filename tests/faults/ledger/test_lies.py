"""What was done although it was said to have failed: trying again neither doubles nor loses it."""

import pytest

from grantline.ledger.files import write_synced
from grantline.ledger.published import Published
from grantline.ledger.signer import SignerClient
from grantline.ledger.verify import verify
from grantline.model.errors import AuditUnavailable
from tests.ledger_world import Producer, about, ledger_in


async def test_a_checkpoint_that_was_signed_although_the_signer_seemed_silent(tmp_path, monkeypatch):
    """Covers: AUDIT §6.3."""
    async with ledger_in(tmp_path) as world:
        producer, state = Producer(), tmp_path / "seen.json"
        sign = SignerClient.sign

        async def lies(self, *given):
            await sign(self, *given)
            raise AuditUnavailable("the answer got lost")

        for _ in range(3):
            await world.sequencer.append(producer.says(*(about() for _ in range(100))))
            monkeypatch.setattr(SignerClient, "sign", lies)
            with pytest.raises(AuditUnavailable):
                await world.publish()
            monkeypatch.undo()
            await world.sequencer.append(producer.says(about()))
            await world.publish()
            assert verify(world.published, rows=world.stores.entries, state=state).ok


@pytest.mark.parametrize("persisted", [False, True])
@pytest.mark.parametrize("name", ["checkpoint", "000", "245", "log.vkey"])
async def test_a_file_that_was_written_or_not_when_it_failed(tmp_path, monkeypatch, name, persisted):
    """Covers: AUDIT §6.3. Of the tiles and of the checkpoint itself, at a restart and while it runs."""

    def lies(path, data):
        if path.name == name:
            if persisted:
                write_synced(path, data)
            raise OSError(5, "Input/output error")
        write_synced(path, data)

    async with ledger_in(tmp_path) as world:
        producer = Producer()
        await world.sequencer.append(producer.says(*(about() for _ in range(250))))
        await world.publish()
        await world.sequencer.append(producer.says(*(about() for _ in range(250))))
        monkeypatch.setattr("grantline.ledger.published.write_synced", lies)
        if name != "log.vkey":
            with pytest.raises(OSError, match="Input/output"):
                await world.publish()
        monkeypatch.undo()
        await world.sequencer.append(producer.says(about()))
        await world.publish()
        assert verify(world.published, rows=world.stores.entries, state=tmp_path / "seen.json").ok
    monkeypatch.setattr("grantline.ledger.published.write_synced", lies)
    if name in ("checkpoint", "log.vkey"):
        with pytest.raises(OSError, match="Input/output"):
            async with ledger_in(tmp_path):
                pass
    monkeypatch.undo()
    async with ledger_in(tmp_path) as world:
        report = verify(Published(world.places.public), rows=world.stores.entries, state=tmp_path / "seen.json")
        assert report.ok, report.problem
