"""Rates beside other servers become ratios, and a bound that was missed is told."""

from typing import Any

from bench.peers import proof_rows, rows


def one(workload: str, target: str, rps: float, *, bad: int = 0, mib: float = 90.0) -> dict[str, Any]:
    return {"workload": workload, "target": target, "rps": rps, "bad": bad, "pss_mib": mib}


def figures(*found: dict[str, Any]) -> dict[str, tuple[float, bool | None]]:
    return {f"{row.case}, {row.metric}": (row.value, row.holds) for row in rows(list(found))}


def test_a_ratio_is_ours_to_theirs_and_bounded_for_the_main_target_alone() -> None:
    seen = figures(one("flow", "oidc-pg", 100), one("flow", "grantline", 330), one("flow", "grantline-one-core", 310))
    assert seen["code, PKCE and consent: grantline beside oidc-pg, ratio"] == (3.3, True)
    assert seen["code, PKCE and consent: grantline-one-core beside oidc-pg, ratio"] == (3.1, None)
    assert figures(one("flow", "oidc-pg", 100), one("flow", "grantline", 310))[
        "code, PKCE and consent: grantline beside oidc-pg, ratio"
    ] == (3.1, False)


def test_a_peer_that_gives_no_jwt_is_measured_by_the_token_it_gives() -> None:
    seen = figures(
        one("cc_opaque", "dot-pg", 100), one("cc_opaque", "oidc-pg", 999), one("cc_jwt", "oidc-pg", 500),
        one("cc_jwt", "grantline", 1_000),
    )  # fmt: skip
    assert seen["client credentials, JWT: grantline beside dot-pg, ratio"] == (10.0, True)
    assert seen["client credentials, JWT: grantline beside oidc-pg, ratio"] == (2.0, True)


def test_bad_answers_and_too_much_memory_are_told() -> None:
    seen = figures(one("refresh", "grantline", 10, bad=2, mib=101), one("refresh", "oidc-pg", 1, bad=7))
    assert seen["answers that were none, count"] == (2, False)
    assert seen["memory of grantline, PSS"] == (101, False)


def test_what_a_proof_costs_is_told_beside_the_same_load_without_one() -> None:
    found = [
        {"way": "pkjwt", "bound": False, "rate": 1_000, "cpu_ms": 0.6},
        {"way": "pkjwt", "bound": True, "rate": 700, "cpu_ms": 0.9},
    ]
    seen = {f"{row.case}, {row.metric}": row.value for row in proof_rows("grantline", found)}
    assert seen == {
        "private_key_jwt, with DPoP: grantline, rate": 700,
        "private_key_jwt, with DPoP: grantline beside the same without, ratio": 0.7,
    }
