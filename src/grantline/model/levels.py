"""How sure a sign-in is, in words (`acr`, RFC 9470): what each level asked for is met by."""

PASSWORD = "urn:grantline:acr:password"
UPSTREAM = "urn:grantline:acr:upstream"
MFA = "urn:grantline:acr:mfa"
PASSKEY = "urn:grantline:acr:passkey"
PHISHING_RESISTANT = "phr"
HARDWARE_PROTECTED = "phrh"

# What is asked for → which sign-ins are that, or more. `phrh` (OpenID EAP ACR Values) says that the key cannot leave
# its hardware; without attestation nobody told us, so we never say it.
MET_BY: dict[str, frozenset[str]] = {
    PASSWORD: frozenset({PASSWORD, UPSTREAM, MFA, PASSKEY}),
    UPSTREAM: frozenset({UPSTREAM}),
    MFA: frozenset({MFA, PASSKEY}),
    PASSKEY: frozenset({PASSKEY}),
    PHISHING_RESISTANT: frozenset({PASSKEY}),
    HARDWARE_PROTECTED: frozenset(),
}
SUPPORTED = (PASSWORD, MFA, PASSKEY, PHISHING_RESISTANT)
"""For `acr_values_supported`: what every person can reach here."""


def is_met(told: str | None, asked: str) -> bool:
    """True if a sign-in that was told as level `told` is surely of the level `asked`, or above.

    A token tells the level in the words of whoever asked for it; those may stand for more than one kind of sign-in,
    and then all of them have to do. What nobody knows is met by nothing and meets nothing.
    """
    kinds = MET_BY.get(told or "", frozenset())
    return bool(kinds) and kinds <= MET_BY.get(asked, frozenset())
