"""How the authorization server behaves, with the value that is safe when nothing is said."""

from dataclasses import dataclass

from grantline.model.setting import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """All times in seconds."""

    code_lifetime: int = setting(60, help="Seconds a code may wait to be redeemed (at most 60).")
    request_lifetime: int = setting(590, help="Seconds a pushed request may wait for its person (below 600).")
    access_lifetime: int = setting(300, help="Seconds an access token is valid; never beyond its consent.")
    id_token_lifetime: int = setting(300, help="Seconds an ID token is valid.")
    refresh_idle: int = setting(30 * 86_400, help="Seconds after which an unused refresh token ends.")
    refresh_absolute: int = setting(365 * 86_400, help="Seconds after which a family of refresh tokens ends.")
    refresh_repeat: int = setting(
        30, help="Seconds in which a bound or confidential client may repeat its last refresh and get the same answer."
    )
    refresh_ends_with_password: bool = setting(
        True, help="Whether a person's refresh tokens end when their password changes. Consents stay either way."
    )
    proof_nonce: bool = setting(
        True, help="Whether a DPoP proof needs a nonce of this server, so that nobody can make proofs for later."
    )
    assertion_lifetime: int = setting(300, help="Longest time a client assertion may be valid.")
    clock_skew: int = setting(10, help="Seconds by which other clocks may differ from ours.")
    burned_capacity: int = setting(
        200_000, help="Proofs and assertions remembered at once; when full, new ones are refused, never old forgotten."
    )
    requests_per_minute: int = setting(
        6_000, help="Requests a minute that one client from one address may send to the token endpoint."
    )
    beginnings_per_minute: int = setting(
        6_000,
        help="Requests a minute from one address (of IPv6: one /64) that leave something behind before it is known who "
        "asks: to authorize, to sign out, for a passkey, to sign in at another provider.",
    )
    device_lifetime: int = setting(600, help="Seconds in which a device's code has to be typed and answered.")
    backchannel_lifetime: int = setting(300, help="Seconds a backchannel request waits, if the client says nothing.")
    backchannel_longest: int = setting(1_800, help="Most seconds that a client may have a backchannel request wait.")
    poll_interval: int = setting(5, help="Seconds a client has to wait before it asks again for an answer.")
    waiting_per_person: int = setting(
        3, help="Backchannel requests of one client that may wait for, or were refused by, one person at a time."
    )
    grant_management_action_required: bool = setting(
        False,
        help="Whether each authorization request has to say what it does to grants. Public clients are then refused.",
    )
    jwks_max_age: int = setting(
        600, help="Seconds for which anybody may keep our published keys. A new key signs that long and 120 s later."
    )
