// oauth4webapi 3: a device and a call centre, whose person answers on another device than they run on.
import * as oauth from 'oauth4webapi'

import { ownKey, person, report, told } from './common.js'

const issuer = new URL(told.issuer)
const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))

const tv = { client_id: 'device-app' }
const shown = await oauth.processDeviceAuthorizationResponse(
  as, tv,
  await oauth.deviceAuthorizationRequest(as, tv, oauth.None(), { scope: 'openid calendar.events' }, insecure),
)
const poll = async () =>
  oauth.processDeviceCodeResponse(
    as, tv, await oauth.deviceCodeGrantRequest(as, tv, oauth.None(), shown.device_code, insecure),
  )
const early = await poll().catch((problem) => problem.error)
await person(shown.verification_uri_complete)
const onDevice = await poll()
const again = await poll().catch((problem) => problem.error)

const caller = { client_id: 'calling-app' }
const authentication = oauth.PrivateKeyJwt(await ownKey())
const wishes = { scope: 'openid calendar.events', login_hint: told.person, binding_message: 'Order 4711' }
const asked = await oauth.processBackchannelAuthenticationResponse(
  as, caller, await oauth.backchannelAuthenticationRequest(as, caller, authentication, wishes, insecure),
)
await person(`${told.issuer}/connections/waiting`)
const called = await oauth.processBackchannelAuthenticationGrantResponse(
  as, caller, await oauth.backchannelAuthenticationGrantRequest(as, caller, authentication, asked.auth_req_id, insecure),
)

report({
  early, again, code: shown.user_code, interval: shown.interval, device: onDevice.scope,
  deviceClaims: oauth.getValidatedIdTokenClaims(onDevice).aud,
  called: called.scope, calledClaims: oauth.getValidatedIdTokenClaims(called).aud,
})
