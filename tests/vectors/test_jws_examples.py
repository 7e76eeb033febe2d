"""Signatures printed in RFC 7515 appendix A and RFC 8037 appendix A; hashes printed by others for at_hash."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from grantline.crypto.encoding import b64url, unb64url
from grantline.crypto.private_keys import signing_key
from grantline.crypto.public_keys import read_public_key
from grantline.crypto.token_hash import token_hash

CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RSA_KEY = {
    "kty": "RSA",
    "alg": "RS256",
    "e": "AQAB",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Ca"
    "pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h"
    "4FRWyuXpoQ",
}
RSA_SIGNATURE = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"
    "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
EC_KEY = {
    "kty": "EC",
    "alg": "ES256",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
EC_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
ED_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
ED_KEY = {"kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
ED_MESSAGE = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
ED_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
HASHED = (
    "YmJiZTAwYmYtMzgyOC00NzhkLTkyOTItNjJjNDM3MGYzOWIy9sFhvH8K_x8UIHj1osisS57f5DduL-ar_qw5jl3lthwpMjm283aVMQXDmoqqqydDSq"
    "Jfbhptzw8rUVwkuQbolw"
)


@pytest.mark.parametrize(
    ("jwk", "header", "signature"),
    [(RSA_KEY, "eyJhbGciOiJSUzI1NiJ9", RSA_SIGNATURE), (EC_KEY, "eyJhbGciOiJFUzI1NiJ9", EC_SIGNATURE)],
)
def test_examples_of_rfc_7515_verify_and_one_changed_letter_does_not(
    jwk: dict[str, str], header: str, signature: str
) -> None:
    key = read_public_key(jwk)
    assert key.verify(f"{header}.{CLAIMS}".encode(), unb64url(signature))
    assert not key.verify(f"{header}.{CLAIMS}x".encode(), unb64url(signature))


def test_the_example_of_rfc_8037_is_what_we_sign_and_verify() -> None:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(unb64url(ED_SEED))
    key = read_public_key(ED_KEY)
    assert signing_key(private, "EdDSA").public.jwk == key.jwk
    assert b64url(private.sign(ED_MESSAGE)) == ED_SIGNATURE
    assert key.verify(ED_MESSAGE, unb64url(ED_SIGNATURE))
    assert not key.verify(ED_MESSAGE + b"x", unb64url(ED_SIGNATURE))
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprint_of_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6"
        "qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awa"
        "pJzKnqDKgw"
    )
    key = read_public_key({"kty": "RSA", "alg": "RS256", "e": "AQAB", "n": n})
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    ("alg", "expected"),
    [
        ("RS256", "x7vk7f6BvQj0jQHYFIk4ag"),
        ("PS256", "x7vk7f6BvQj0jQHYFIk4ag"),
        ("ES256", "x7vk7f6BvQj0jQHYFIk4ag"),
        ("EdDSA", "EGEAhGYyfuwDaVTifvrWSoD5MSy_5hZPy6I7Vm-7pTQ"),
    ],
)
def test_at_hash_is_the_half_that_belongs_to_the_algorithm(alg: str, expected: str) -> None:
    """Covers: check 123."""
    assert token_hash(HASHED, alg) == expected


@pytest.mark.parametrize("alg", ["none", "HS256", "ES512", "", "eddsa"])
def test_an_algorithm_without_a_known_hash_has_none(alg: str) -> None:
    with pytest.raises(ValueError, match="no token hash"):
        token_hash(HASHED, alg)
