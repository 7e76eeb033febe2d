// The MCP SDK for Node, both generations of it: from the 401 of an API it has never seen to a call that takes more.
import { person, report, told } from './common.js'

const first = told.sdk === '@modelcontextprotocol/sdk'
const load = async (part) => import(first ? `${told.sdk}/client/${part}.js` : told.sdk)
const { Client } = await load('index')
const { UnauthorizedError } = await load('auth')
const { StreamableHTTPClientTransport } = await load('streamableHttp')

const opened = []
const kept = {}

/** What every app writes for the SDK: where things are kept, and how a person's browser is opened. */
const authProvider = {
  redirectUrl: told.callback,
  clientMetadata: told.about,
  clientMetadataUrl: told.document,
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (found) => void (kept.found = found),
  discoveryState: () => kept.found,
  state: () => 'some state',
  redirectToAuthorization: (url) => void opened.push(url),
}

/** Registering takes the token that the operator gave; the SDK has no place for it but this one. */
function withInitialToken(url, init) {
  if (!told.initial || new URL(url).pathname !== '/register') return fetch(url, init)
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${told.initial}`)
  return fetch(url, { ...init, headers })
}

const transport = () =>
  new StreamableHTTPClientTransport(new URL(told.mcp), { authProvider, fetch: withInitialToken })
let current

/** Does it; where that takes the person's word, once more after they gave it. */
async function allowed(does) {
  try {
    return await does()
  } catch (problem) {
    // The second generation wraps what its negotiation meets.
    if (!(problem instanceof UnauthorizedError || problem.cause instanceof UnauthorizedError)) throw problem
    const back = await person(opened.at(-1))
    await current.finishAuth(first ? back.searchParams.get('code') : back.searchParams)
    return does()
  }
}

const client = await allowed(async () => {
  const made = new Client({ name: 'agent', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  current = transport()
  await made.connect(current)
  return made
})
const { tools } = await client.listTools()

let renewed = null
if (kept.tokens.refresh_token) {
  const before = kept.tokens
  // Time passes: what it holds is refused, so it renews.
  kept.tokens = { ...before, access_token: 'over' }
  await client.listTools()
  renewed = kept.tokens.access_token !== before.access_token && kept.tokens.refresh_token !== before.refresh_token
}
const called = told.calls ? await allowed(() => client.callTool({ name: 'notes', arguments: {} })) : null
await client.close()

report({
  client: kept.client.client_id,
  protocol: current.protocolVersion ?? client.getNegotiatedProtocolVersion(),
  tools: tools.map((tool) => tool.name),
  renewed,
  said: called?.content[0].text ?? null,
  resources: opened.map((url) => url.searchParams.get('resource')),
  asked: opened.map((url) => url.searchParams.get('scope').split(' ')),
  granted: kept.tokens.scope.split(' '),
})
