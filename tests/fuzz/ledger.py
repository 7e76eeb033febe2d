"""The published log as a verifier reads it: notes, keys, checkpoints, tiles, proofs; and canonical JSON."""

import msgspec

from grantline.crypto import jcs
from grantline.crypto.merkle import InvalidProof
from grantline.crypto.note import Checkpoint, InvalidNote, NoteSigner, VerifierKey, open_checkpoint, open_note
from grantline.crypto.tiles import bundle, hashes, unbundle
from grantline.ledger.prove import check_proof
from grantline.ledger.published import Published
from grantline.ledger.verify import verify
from grantline.model.errors import NotFound
from grantline.model.reading import decoded
from tests.fuzz.configuration import FOLDER
from tests.fuzz.target import refused, target, text

SIGNER = NoteSigner("log.example", bytes(range(32)))
LOG = FOLDER / "log"


@target
def signed_note(data: bytes) -> None:
    """Only what a known key signed."""
    told = data.decode(errors="replace")
    with refused(InvalidNote):
        body = open_note(told, (SIGNER.verifier,))
        assert told.startswith(body)
        assert SIGNER.sign(body).partition("\n\n")[0] == told.rpartition("\n\n")[0]


@target
def checkpoint_body(data: bytes) -> None:
    """Any body under the log's own signature."""
    body = data.decode(errors="replace")
    with refused(InvalidNote):
        found = Checkpoint.parse(body)
        assert body.startswith(found.body())
    with refused(InvalidNote):
        assert open_checkpoint(SIGNER.sign(body), SIGNER.verifier).origin == "log.example"


@target
def verifier_key(data: bytes) -> None:
    """A key has one spelling, and answers no to what it did not sign."""
    told = data.decode(errors="replace")
    with refused(InvalidNote):
        key = VerifierKey.parse(told)
        assert str(key) == told.strip()
        assert key.verify(b"message", bytes(64)) is False


@target
def tiles(data: bytes) -> None:
    """A bundle says the same when it is written again; a row of hashes is whole."""
    with refused(ValueError):
        assert bundle(unbundle(data)) == data
    with refused(ValueError):
        assert b"".join(hashes(data)) == data


@target
def log_proof(data: bytes) -> None:
    """A proof that somebody brings along, with the log's key."""
    with refused(InvalidProof, InvalidNote):
        check_proof(data.decode(errors="replace"), b"entry", str(SIGNER.verifier))
    with refused(InvalidProof, InvalidNote):
        check_proof(f"{data.decode(errors='replace')}\n\n{_small()}", b"entry", str(SIGNER.verifier))


def _small() -> str:
    return SIGNER.sign(Checkpoint("log.example", 2, bytes(32)).body())


@target
def exported_log(data: bytes) -> None:
    """A log whose checkpoint is signed and whose bundle is anything: a report, never an error."""
    published = Published(LOG)
    for path in ("tile/entries", "tile/0"):
        (LOG / path).mkdir(parents=True, exist_ok=True)
    size = max(len(data) // 32, 1) % 256
    (LOG / "checkpoint").write_text(SIGNER.sign(Checkpoint("log.example", size, bytes(32)).body()))
    for path in ("tile/entries/000.p", "tile/0/000.p"):
        (LOG / path).mkdir(exist_ok=True)
        (LOG / path / str(size)).write_bytes(data)
    report = verify(published, vkey=str(SIGNER.verifier))
    assert report.ok is False
    assert report.problem


@target
def published_path(data: bytes) -> None:
    """No name leads out of the log's directory."""
    with refused(NotFound):
        Published(FOLDER / "nothing").read(text(data))
        raise AssertionError("something was read")


@target
def canonical_json(data: bytes) -> None:
    """One form for one value, and the form of the form is itself."""
    try:
        value = decoded(data)
    except msgspec.DecodeError:
        return
    with refused(ValueError):
        form = jcs.canonical(value)
        assert decoded(form) == value
        assert jcs.canonical(decoded(form)) == form
