"""What the budgeting app is told at start: addresses, and where its own keys lie."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Read from the environment; the app knows nothing else of its surroundings."""

    port: int
    issuer: str
    bank: str
    calendar: str
    key: Path
    load_log: Path

    @classmethod
    def from_environment(cls) -> "Settings":
        """BUDGET_PORT, BUDGET_ISSUER, BUDGET_BANK, BUDGET_CALENDAR, BUDGET_KEY, BUDGET_LOAD_LOG."""
        return cls(
            port=int(os.environ["BUDGET_PORT"]),
            issuer=os.environ["BUDGET_ISSUER"],
            bank=os.environ["BUDGET_BANK"],
            calendar=os.environ["BUDGET_CALENDAR"],
            key=Path(os.environ["BUDGET_KEY"]),
            load_log=Path(os.environ["BUDGET_LOAD_LOG"]),
        )

    @property
    def address(self) -> str:
        """Where people find the app."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def callback(self) -> str:
        """The one redirect URI that is registered."""
        return f"{self.address}/callback"
