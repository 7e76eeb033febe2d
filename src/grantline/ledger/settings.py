"""What an operator may set about the record."""

from dataclasses import dataclass
from pathlib import Path

from grantline.model.setting import section, setting


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Days. A month is purged when all of it is older."""

    standard_days: int = setting(
        396, help="Details of calls and everything without a class of its own: 13 months, as PCI DSS 10.5.1 needs 12."
    )
    evidence_days: int = setting(2_557, help="Details that prove a consent (GDPR Art. 7(1)): seven years.")
    debug_days: int = setting(30, help="Details of events that their producer marked `debug`.")
    entry_days: int = setting(
        2_557, help="The entries themselves, for the whole log: none may be shorter-lived than its details."
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The ledger's own part of the configuration."""

    origin: str = setting(
        "grantline.localhost/log",
        help="Name of this log in its checkpoints and key: a host name and path without scheme, never changed later.",
    )
    checkpoint_every_ms: int = setting(
        1_000, help="How long new entries may wait for a signed checkpoint. At most one second is promised."
    )
    longest_lag_s: int = setting(
        60,
        help="Seconds the ledger may take nothing before the authority refuses new consents and tokens. Withdrawals, "
        "revocations and sign-outs are never refused.",
    )
    disk_warn_percent: int = setting(
        20, help="Share of its disk below which the record tells that room gets low (`disk_low`)."
    )
    disk_refuse_percent: int = setting(
        5,
        help="Share of its disk below which the ledger takes nothing, so that calls are refused. Withdrawals are not.",
    )
    disk_enough_mib: int = setting(
        4_096, help="Free MiB that never warn, whatever share of the disk they are; a quarter of it never refuses."
    )
    rewrap_days: int = setting(
        30, help="Days after which people's keys are wrapped anew: an erasure is final in every copy after so long."
    )
    public: bool = setting(
        False,
        help="Serve the log to anyone, read-only, below `/log/` of the issuer. It names no person, but tells "
        "how much happens, by which clients and for which purposes.",
    )
    witness_policy: Path | None = setting(
        None,
        help="File that names witnesses, where they are asked, and how many must have seen a checkpoint (C2SP "
        "tlog-policy). None: nobody is asked.",
    )
    witness_every_s: int = setting(10, help="How often witnesses are asked to cosign while the log grows.")
    witness_alarm_s: int = setting(
        300, help="Seconds without cosignatures of enough witnesses after which the record tells of it."
    )
    retention: RetentionSettings = section(RetentionSettings, help="How long what is kept is kept.")
    authority: str = setting(
        "authority", help="Producer whose reading requests are answered: the authority's own name."
    )
    signer_user: str = setting(
        "65528",
        help="User, by name or number, that alone can read the checkpoint key where `grantline serve` is started by "
        "root; the number needs no account. Give each instance on a machine its own. Empty: the signer shares the "
        "user of the other processes.",
    )


@dataclass(frozen=True, slots=True)
class Places:
    """Where the ledger and the signer keep things below the data directory."""

    data: Path

    @property
    def ledger(self) -> Path:
        """The ledger process's own directory."""
        return self.data / "ledger"

    @property
    def public(self) -> Path:
        """What anyone may read: checkpoint, tiles, bundles, the log's key."""
        return self.ledger / "public"

    @property
    def root_key(self) -> Path:
        """32 bytes under which people's keys are wrapped."""
        return self.ledger / "root.key"

    @property
    def producers(self) -> Path:
        """Producers known from the set-up on: JSON, producer → public JWK."""
        return self.ledger / "producers.json"

    @property
    def erasures(self) -> Path:
        """Whose keys were destroyed. Never put an older copy of it back."""
        return self.ledger / "erasures.jsonl"

    @property
    def holds(self) -> Path:
        """Legal holds. Never put an older copy of it back."""
        return self.ledger / "holds.jsonl"

    @property
    def sinks(self) -> Path:
        """How far each sink got."""
        return self.data / "sinks"

    @property
    def lock(self) -> Path:
        """Held by the one process that appends."""
        return self.ledger / "sequencer.lock"

    @property
    def signer(self) -> Path:
        """The signer process's own directory; nobody else needs to read it."""
        return self.data / "signer"

    @property
    def signer_socket(self) -> Path:
        """Where the signer listens."""
        return self.data / "run" / "signer.sock"

    @property
    def ledger_socket(self) -> Path:
        """Where the ledger listens."""
        return self.data / "run" / "ledger.sock"
