"""Some routes ask for more than a token: that the person signed in well enough, and not too long ago (RFC 9470)."""

from dataclasses import dataclass

from grantline.gateway.refusal import Refusal
from grantline.model.levels import is_met
from grantline.model.reasons import Reason
from grantline.model.token import AccessClaims


@dataclass(frozen=True, slots=True)
class StepUp:
    """What a route demands. `acr_values`: levels of which one has to be met, best first; `max_age`: in seconds."""

    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    def __str__(self) -> str:
        """For operators; empty where nothing is demanded."""
        levels = f"signed in at {' or '.join(self.acr_values)}" if self.acr_values else ""
        age = f"signed in at most {self.max_age} s ago" if self.max_age is not None else ""
        return ", ".join(part for part in (levels, age) if part)

    def require(self, claims: AccessClaims, now: int) -> None:
        """Raise `Refusal` (step_up) unless the sign-in behind this token will do. `now` in unix seconds.

        A token that tells of no sign-in meets no demand: nobody knows of any person being there.
        """
        if self.acr_values and not any(is_met(claims.acr, value) for value in self.acr_values):
            raise Refusal(Reason.STEP_UP, f"signed in at {claims.acr}, one of {', '.join(self.acr_values)} is due")
        if self.max_age is not None and (claims.auth_time is None or claims.auth_time < now - self.max_age):
            raise Refusal(Reason.STEP_UP, f"signed in at {claims.auth_time}, which is more than {self.max_age} s ago")
