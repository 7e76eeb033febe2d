// What both programs are told, and the one step that they leave to a person.
import { createInterface } from 'node:readline/promises'

export const told = JSON.parse(process.env.CLIENT)

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** Hands the address to the person's browser; the address it came back to. */
export async function person(url) {
  console.log(JSON.stringify({ open: String(url) }))
  return new URL((await answers.next()).value)
}

/** The last word: what the test looks at. */
export function report(result) {
  console.log(JSON.stringify({ result }))
  process.exit(0)
}

/** The client's own key pair, for its assertions. */
export async function ownKey() {
  const kind = { name: 'ECDSA', namedCurve: 'P-256' }
  return crypto.subtle.importKey('jwk', told.key, kind, false, ['sign'])
}
