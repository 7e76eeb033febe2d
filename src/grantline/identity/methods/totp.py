"""A code from an app: six digits that change every 30 seconds (RFC 6238), each good for one sign-in."""

import base64
import hmac
from dataclasses import dataclass

import pyotp

from grantline.identity.levels import BY_CODE
from grantline.model.ids import Randomness

METHOD = "totp"
PROOF = BY_CODE
STEP_S = 30
DIGITS = 6
# One step before and after: clocks of phones differ, and typing takes time (RFC 6238 §5.2).
WINDOW = 1
SECRET_BYTES = 20


@dataclass(frozen=True, slots=True)
class Enrolling:
    """A secret that is not in use yet. `secret`: base32, as one types it; `uri`: for the picture."""

    secret: str
    uri: str


def new_secret(randomness: Randomness) -> str:
    """160 random bits in base32 (RFC 4226 §4 R6)."""
    return base64.b32encode(randomness(SECRET_BYTES)).decode()


def enrolling(secret: str, username: str, operator: str) -> Enrolling:
    """What a person's app needs. `operator`: whose account it is, as the app will list it."""
    return Enrolling(
        secret, pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=username, issuer_name=operator)
    )


def counter_of(secret: str, code: str, now: int, last: int) -> int | None:
    """The step that this code belongs to, if it is near `now` (unix seconds) and later than `last`; else None.

    The caller keeps the step as the new `last`, in one conditional write: a code counts once (RFC 6238 §5.2). Every
    step is compared, so that time tells nothing.
    """
    digits = "".join(code.split())
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    hotp = pyotp.HOTP(secret, digits=DIGITS)
    here = now // STEP_S
    matching = [step for step in range(here - WINDOW, here + WINDOW + 1) if hmac.compare_digest(hotp.at(step), digits)]
    return max((step for step in matching if step > last), default=None)
