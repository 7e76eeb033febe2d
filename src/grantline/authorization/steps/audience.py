"""Which APIs a token is for (RFC 8707)."""

from grantline.model.errors import InvalidTarget


def narrow_audience(allowed: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The audience: what was asked for now, within what was agreed; all of that if nothing is asked (check 96)."""
    if not wanted:
        return allowed
    if not set(wanted) <= set(allowed):
        raise InvalidTarget("A resource asked for is not part of what was agreed.")
    return tuple(resource for resource in allowed if resource in wanted)
