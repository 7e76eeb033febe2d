"""Ten codes on paper for the day the phone is gone: each works once, and we keep only a keyed digest of it."""

from grantline.crypto.sealing import Sealer
from grantline.identity.levels import BY_CODE
from grantline.model.ids import PersonId, Randomness

METHOD = "recovery"
PROOF = BY_CODE
HOW_MANY = 10
# Crockford's alphabet: no letter that is taken for a digit. Twelve of them are 60 bits.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
GROUP = 4
READ_AS = str.maketrans("OIL", "011")


def new_codes(randomness: Randomness) -> tuple[str, ...]:
    """As they are shown, once: `7K2M-Q9XD-0FHT`."""
    return tuple(_grouped("".join(LETTERS[byte % 32] for byte in randomness(LENGTH))) for _ in range(HOW_MANY))


def digest(sealer: Sealer, person: PersonId, code: str) -> str | None:
    """What is kept of a code and looked for, however it was typed; None for what cannot be one."""
    letters = "".join(letter for letter in code.upper().translate(READ_AS) if letter not in "- \t")
    if len(letters) != LENGTH or set(letters) - set(LETTERS):
        return None
    return sealer.digest(letters, person).hex()


def _grouped(letters: str) -> str:
    return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))
