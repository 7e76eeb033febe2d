"""From a located call to what the policy asks about it."""

from grantline.gateway.locate import Place, Places
from grantline.gateway.records import Trail, actor_of
from grantline.gateway.verify import Caller
from grantline.model.consent import Item
from grantline.model.decision import FieldFilter
from grantline.policy import CallFacts


def call_facts(trail: Trail, caller: Caller, place: Place, places: Places) -> CallFacts:
    """The facts of this call. Its purpose is known by now."""
    assert trail.purpose is not None
    located, now = place.located, trail.now

    def cut(item: Item, fields: tuple[str, ...]) -> FieldFilter | None:
        return places.cut(located, item, fields, now)

    return CallFacts(
        evaluation=trail.evaluation,
        client=caller.claims.client_id,
        subject=caller.claims.sub,
        actor=actor_of(caller),
        api=located.api,
        api_type=place.api_type,
        location=place.resource,
        datatype=located.datatype,
        action=located.action,
        resources=located.resources,
        fields=located.asked_fields,
        purpose=trail.purpose,
        oldest=located.since,
        reads=place.route.reads,
        keeps_own_records=place.route.keeps_own_records,
        keeps_recent_records=place.route.keeps_recent_records,
        special=place.route.special,
        cut=cut,
    )
