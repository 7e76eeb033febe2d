"""What a person may share, asked of each API under the name that the person has there."""

from grantline.authorization.server import Server
from grantline.authorization.tickets import RequestTicket
from grantline.consent import ResourceChoice, apis_to_ask
from grantline.model.ids import ApiId, PersonId


async def listed_for(
    server: Server, request: RequestTicket, person: PersonId
) -> dict[ApiId, tuple[ResourceChoice, ...]]:
    """API → its list; empty where the person is not known. `TemporarilyUnavailable` if an API does not answer."""
    row = await server.work.read(lambda tx: tx.people.by_id(person))
    names = {} if row is None else row.resource_names
    apis = apis_to_ask(server.catalog(), request.asked)
    return {api: await server.lists.of(api, names[api]) if api in names else () for api in apis}
