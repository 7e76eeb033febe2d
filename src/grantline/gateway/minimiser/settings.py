"""What bounds the minimiser."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes count after unpacking. Worst memory: `connections` × `max_body_bytes`, about twice."""

    max_body_bytes: int = setting(4_194_304, help="Largest JSON answer that is filtered; a larger one gives 502.")
    max_line_bytes: int = setting(262_144, help="Longest line of an NDJSON answer that is filtered.")
    connections: int = setting(64, help="Most calls that go through the minimiser at once.")
    connect_timeout_s: float = setting(2.0, help="How long reaching the upstream may take.")
    read_timeout_s: float = setting(10.0, help="Longest silence of the upstream within a call.")
    total_timeout_s: float = setting(30.0, help="Longest time of one filtered call.")
    idle_timeout_s: float = setting(
        4.0, help="How long an unused upstream connection is kept; less than the upstream keeps it."
    )
