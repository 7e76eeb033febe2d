"""How consents behave, with the value that is safe when nothing is said."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """All times in seconds."""

    answer_within: int = setting(600, help="Seconds a question may wait for the person's answer before it lapses.")
    longest_token: int = setting(
        3_600,
        help="Longest life of any access token of this instance in seconds; endings stay in the feed that long.",
    )
