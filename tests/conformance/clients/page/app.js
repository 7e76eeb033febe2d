// oidc-client-ts 3 as a page without a server of its own uses it: redirect, callback, userinfo, renewal, sign-out.
const settings = await (await fetch('/settings.json')).json()
// Bound to a key that no script can read; the authorization code as well (RFC 9449 §10).
const dpop = settings.key ? { store: new oidc.IndexedDbDPoPStore(), bind_authorization_code: true } : undefined
const manager = new oidc.UserManager({
  ...settings,
  dpop,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/bye`,
  automaticSilentRenew: false,
  // The library asks userinfo with a bearer token alone; with a key the page asks itself.
  loadUserInfo: !dpop,
  revokeTokensOnSignout: true,
})

/** One call with the user's token; with a key once more with the nonce that the answer brought. */
async function userinfo(user) {
  const url = await manager.metadataService.getUserInfoEndpoint()
  const send = async (nonce) =>
    fetch(url, {
      headers: dpop
        ? { authorization: `DPoP ${user.access_token}`, dpop: await manager.dpopProof(url, user, 'GET', nonce) }
        : { authorization: `Bearer ${user.access_token}` },
    })
  const first = await send()
  return first.status === 401 && first.headers.has('dpop-nonce') ? send(first.headers.get('dpop-nonce')) : first
}

async function who() {
  const user = await manager.getUser()
  if (user === null) return { user: null }
  const answer = await userinfo(user)
  const keys = await manager.metadataService.getSigningKeys()
  const { access_token: token, token_type: type, scope, profile } = user
  return { token, type, scope, profile, status: answer.status, about: await answer.json(), keys: keys.length }
}

/** Whether a script of another origin may read what the address answers. */
async function readable(url) {
  return fetch(url, { redirect: 'manual' }).then(() => true, () => false)
}

const acts = {
  'sign-in': () => manager.signinRedirect(),
  who,
  renew: async () => (await manager.signinSilent()) && who(),
  'sign-out': () => manager.signoutRedirect(),
  '/callback': async () => (await manager.signinRedirectCallback()) && who(),
  '/bye': async () => (await manager.signoutRedirectCallback()) && who(),
  '/': async () => ({ authorize: await readable(await manager.metadataService.getAuthorizationEndpoint()) }),
}

const seen = document.getElementById('seen')

async function act(name) {
  delete seen.dataset.after
  seen.textContent = JSON.stringify(await acts[name]().catch((problem) => ({ problem: String(problem) })) ?? null)
  seen.dataset.after = name
}

for (const button of document.querySelectorAll('button')) button.addEventListener('click', () => act(button.id))
await act(location.pathname)
