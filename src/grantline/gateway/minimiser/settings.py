"""What bounds the minimiser."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes in bytes after unpacking, times in seconds. Worst memory: `connections` × `max_body`, about twice."""

    max_body: int = field(default=4_194_304, metadata={"help": "Largest JSON answer that is filtered; larger: 502."})
    max_line: int = field(default=262_144, metadata={"help": "Longest line of an NDJSON answer that is filtered."})
    connections: int = field(default=64, metadata={"help": "Most calls that go through the minimiser at once."})
    connect_timeout: float = field(default=2.0, metadata={"help": "How long reaching the upstream may take."})
    read_timeout: float = field(default=10.0, metadata={"help": "Longest silence of the upstream."})
    total_timeout: float = field(default=30.0, metadata={"help": "Longest time of one filtered call."})
    idle_timeout: float = field(
        default=4.0,
        metadata={"help": "How long an unused upstream connection is kept; below the upstream's own keep-alive."},
    )
