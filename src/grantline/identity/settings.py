"""How long somebody stays signed in, with the value that is safe when nothing is said."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """All times in seconds."""

    idle: int = setting(1_800, help="Seconds without a request after which a session ends.")
    absolute: int = setting(43_200, help="Seconds after which a session ends in any case.")
