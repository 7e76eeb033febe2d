// openid-client 6: a FAPI 2.0 client. Pushed request, PKCE, private_key_jwt, DPoP; then what it has from that.
import * as client from 'openid-client'

import { ownKey, person, report, told } from './common.js'

const key = await ownKey()
const insecure = { execute: [client.allowInsecureRequests] }
const as = (id) => client.discovery(new URL(told.issuer), id, {}, client.PrivateKeyJwt(key), insecure)

const app = await as('keyed-app')
const DPoP = client.getDPoPHandle(app, await client.randomDPoPKeyPair('ES256'))
const pkceCodeVerifier = client.randomPKCECodeVerifier()
const expectedState = client.randomState()
const expectedNonce = client.randomNonce()
const asked = {
  redirect_uri: told.callback,
  scope: told.scope,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
  state: expectedState,
  nonce: expectedNonce,
}
const back = await person(await client.buildAuthorizationUrlWithPAR(app, asked, { DPoP }))
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const first = await client.authorizationCodeGrant(app, back, checks, undefined, { DPoP })
const about = await client.fetchUserInfo(app, first.access_token, first.claims().sub, { DPoP })
const second = await client.refreshTokenGrant(app, first.refresh_token, undefined, { DPoP })
const renewed = await client.fetchUserInfo(app, second.access_token, first.claims().sub, { DPoP })
await client.tokenRevocation(app, second.refresh_token ?? first.refresh_token)
const refused = await client
  .refreshTokenGrant(app, first.refresh_token, undefined, { DPoP })
  .catch((problem) => problem.error)

const service = await as('keyed-service')
const own = client.getDPoPHandle(service, await client.randomDPoPKeyPair('ES256'))
const direct = await client.clientCredentialsGrant(service, { scope: 'calendar.events' }, { DPoP: own })

report({
  type: first.token_type, scope: first.scope, name: about.name, same: renewed.sub === about.sub, refused,
  service: { type: direct.token_type, scope: direct.scope },
})
