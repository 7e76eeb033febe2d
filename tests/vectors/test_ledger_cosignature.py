"""Our golden log's cosignature (AUDIT §2), and what a cosignature must not be."""

import base64

import pytest

from grantline.crypto.cosignature import Cosigner, WitnessKey, cosigned
from grantline.crypto.merkle import leaf_hash, tree_root
from grantline.crypto.note import Checkpoint, InvalidNote, NoteSigner, VerifierKey, open_checkpoint

VKEY = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
LINE = (
    "— witness.example/w1 3xwKNQAAAABlU/EA2bY7+lcJ7wxepkycKv958WzdUDZOxeRFy/LwYWIUG8skGSRXjGYTpt50wGfwKcjYwBlz"
    "/okTxs3VFU+iBde8Cw==\n"
)
LOG = NoteSigner("audit.example/log1", b"\x01" * 32)
ENTRIES = [f'{{"seq":{at},"event":"e-{at}","pad":"{"x" * (at % 97)}"}}'.encode() for at in range(3)]
CHECKPOINT = Checkpoint("audit.example/log1", 3, tree_root([leaf_hash(one) for one in ENTRIES]))
NOTE = LOG.sign(CHECKPOINT.body())


def test_the_golden_cosignature():
    """Covers: AUDIT §2."""
    cosigner = Cosigner("witness.example/w1", b"\x02" * 32)
    assert str(cosigner.verifier) == VKEY
    assert cosigner.cosign(CHECKPOINT, 1_700_000_000) == LINE
    key = WitnessKey.parse(VKEY)
    assert cosigned(NOTE + LINE, [key]) == {key: 1_700_000_000}
    assert open_checkpoint(NOTE + LINE, LOG.verifier) == CHECKPOINT


def test_a_changed_time_or_body_spoils_it():
    key = WitnessKey.parse(VKEY)
    blob = bytearray(base64.b64decode(LINE.split(" ")[2]))
    blob[11] ^= 1
    late = f"— witness.example/w1 {base64.b64encode(bytes(blob)).decode()}\n"
    other = LOG.sign(Checkpoint("audit.example/log1", 4, CHECKPOINT.root).body())
    for note in (NOTE + late, other + LINE):
        with pytest.raises(InvalidNote, match="does not match"):
            cosigned(note, [key])
        assert cosigned(note, []) == {}


@pytest.mark.parametrize("vkey", [str(LOG.verifier), VKEY.replace("df1c0a35", "df1c0a36"), "w", "w+df1c0a35+BA=="])
def test_what_is_no_witness_key(vkey):
    with pytest.raises(InvalidNote):
        WitnessKey.parse(vkey)
    with pytest.raises(InvalidNote):
        VerifierKey.parse(VKEY)
