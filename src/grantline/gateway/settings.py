"""What an operator may set about enforcement."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A gateway's own part of the configuration."""

    call_timeout_s: float = setting(
        30.0, help="After how long the proxy ends a call by itself. A call nobody reports on counts as over then."
    )
    proofs: int = setting(
        200_000, help="How many DPoP proofs are remembered. When there is no room, further proofs are refused."
    )
    missed_tokens: int = setting(
        50, help="Opaque tokens a second that the authority may be asked for in vain. Beyond it new ones wait (503)."
    )
    heartbeat_s: float = setting(
        10.0, help="How often a gateway that recorded something counts its records in the ledger."
    )
    waiting_events: int = setting(
        10_000, help="How many records may wait for the ledger. Beyond it calls are refused (audit_unavailable)."
    )
