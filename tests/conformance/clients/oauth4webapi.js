// oauth4webapi 3: the same steps one by one, with the nonce of DPoP handled as its documentation shows.
import * as oauth from 'oauth4webapi'

import { ownKey, person, report, told } from './common.js'

const issuer = new URL(told.issuer)
const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
const authentication = oauth.PrivateKeyJwt(await ownKey())
let nonces = 0

/** Sends it once more if the server wants its nonce in the proof: once for each handle. */
async function twice(send, read) {
  try {
    return await read(await send())
  } catch (problem) {
    if (!oauth.isDPoPNonceError(problem)) throw problem
    nonces += 1
    return read(await send())
  }
}

async function bound(client) {
  return { ...insecure, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) }
}

const app = { client_id: 'keyed-app' }
const options = await bound(app)
const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const asked = {
  redirect_uri: told.callback,
  response_type: 'code',
  scope: told.scope,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
}
const pushed = await twice(
  () => oauth.pushedAuthorizationRequest(as, app, authentication, asked, options),
  (answer) => oauth.processPushedAuthorizationResponse(as, app, answer),
)
const url = new URL(as.authorization_endpoint)
url.search = new URLSearchParams({ client_id: app.client_id, request_uri: pushed.request_uri })

const back = oauth.validateAuthResponse(as, app, await person(url), state)
const first = await twice(
  () => oauth.authorizationCodeGrantRequest(as, app, authentication, back, told.callback, verifier, options),
  (answer) =>
    oauth.processAuthorizationCodeResponse(as, app, answer, { expectedNonce: nonce, requireIdToken: true }),
)
const { sub } = oauth.getValidatedIdTokenClaims(first)
const about = (token) =>
  twice(
    () => oauth.userInfoRequest(as, app, token, options),
    (answer) => oauth.processUserInfoResponse(as, app, sub, answer),
  )
const { name } = await about(first.access_token)
const refresh = () =>
  twice(
    () => oauth.refreshTokenGrantRequest(as, app, authentication, first.refresh_token, options),
    (answer) => oauth.processRefreshTokenResponse(as, app, answer),
  )
const second = await refresh()
const renewed = await about(second.access_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, app, authentication, second.refresh_token ?? first.refresh_token, insecure),
)
const refused = await refresh().catch((problem) => problem.error)

const service = { client_id: 'keyed-service' }
const own = await bound(service)
const direct = await twice(
  () => oauth.clientCredentialsGrantRequest(as, service, authentication, { scope: 'calendar.events' }, own),
  (answer) => oauth.processClientCredentialsResponse(as, service, answer),
)

report({
  type: first.token_type, scope: first.scope, name, same: renewed.sub === sub, refused, nonces,
  service: { type: direct.token_type, scope: direct.scope },
})
