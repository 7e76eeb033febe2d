"""What the pages need to know of this instance."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """The operator named on every page, and the constants that the words depend on.

    `fence_ms`: commit + longest lease in force + 5 % + the upstreams' clock skew, as signals count it.
    """

    issuer: str
    operator: str
    contact: str
    zone: str = field(default="UTC", metadata={"help": "Time zone in which pages show times, such as Europe/Dublin."})
    fence_ms: int = field(default=2_200, metadata={"help": "Longest time until a silent gateway is certainly closed."})
    stop_wait: float = field(default=2.5, metadata={"help": "Seconds for which a stop waits to be certain."})
    access_rows: int = field(default=10, metadata={"help": "Accesses shown on the page of a connection."})
