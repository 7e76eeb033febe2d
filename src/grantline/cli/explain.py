"""`grantline explain CONSENT METHOD PATH`: would this call be allowed now, and which clause says so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grantline.cli.options import DEFAULT_DATA, DataOption, run
from grantline.model.ids import ApiId, ConsentId

if TYPE_CHECKING:
    from grantline.model.decision import Call, Decision
    from grantline.policy import Finding

DENIED = 1


def explain(
    consent: Annotated[str, typer.Argument(help="The consent's id (grant_id).")],
    method: Annotated[str, typer.Argument(help="HTTP method, as in GET.")],
    target: Annotated[str, typer.Argument(help="Path with query, as the gateway sees it: /accounts/a1/transactions")],
    *,
    api: Annotated[str, typer.Option(help="The API of the catalog that is called.")],
    purpose: Annotated[str | None, typer.Option(help="Purpose that the call declares.")] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Say whether a call under this consent is allowed now, and why. Exit code 1 when it is denied."""
    from grantline.model.decision import Call, Deny

    path, _, query = target.partition("?")
    declared: dict[str, tuple[str, ...]] = {"grantline-purpose": (purpose,)} if purpose else {}
    call = Call(method.upper(), path, query, path, declared, ApiId(api))
    decision, findings, sign_in = run(explained(data, ConsentId(consent), call))
    for finding in findings:
        typer.echo(f"{'holds' if finding.passed else 'FAILS'}  {finding.clause} ({finding.policy})")
    match decision:
        case Deny(because=reason, detail=detail) as deny:
            typer.echo(f"denied, {reason}: {deny.answer.title}" + (f" [{detail}]" if detail else ""))
            raise typer.Exit(DENIED)
        case permit:
            typer.echo(f"allowed by {permit.by} for {permit.purpose}; fields: {', '.join(permit.fields) or 'none'}")
            if sign_in:
                typer.echo(f"with a token of a person who {sign_in}")


async def explained(data: Path, consent: ConsentId, call: "Call") -> "tuple[Decision, tuple[Finding, ...], str]":
    """The call judged by the code that gateways run, over everything as it stands in the instance now.

    The third says what its route demands of the sign-in, which only a token can show.
    """
    from grantline.app.places import Places
    from grantline.app.state import open_state
    from grantline.catalog import load_catalog
    from grantline.consent import enforced
    from grantline.gateway.explaining import demanded
    from grantline.gateway.explaining import explain as judge
    from grantline.model.clock import SystemClock
    from grantline.model.errors import NotFound
    from grantline.policy import StateFacts

    async with open_state(data) as work:
        state = await work.read(lambda tx: tx.consents.get(consent))
        version = await work.read(lambda tx: tx.consents.version(consent, state.version)) if state else None
        if state is None or version is None:
            raise NotFound(f"There is no consent {consent} that was given.")
        client = await work.read(lambda tx: tx.clients.get(version.client))
    cut = enforced.cut(version, state, {call.api})
    if cut is None:
        raise NotFound(f"Consent {consent} grants nothing of the API {call.api}.")
    standing = StateFacts(state.status, state.epoch, state.min_epoch, client.status.value if client else "unknown")
    catalog = load_catalog(Places(data).catalog)
    decision, findings = judge(catalog, cut, standing, call, SystemClock().wall_us() // 1_000_000)
    return decision, findings, str(demanded(catalog, call))
