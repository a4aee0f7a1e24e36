/** Gets the access token from the options, the environment or Keycloak, and masks it in all output. */
import { readFileSync } from 'node:fs'
import { CommandError, UsageError } from './errors.ts'
import { type SendRequest, sendRequest } from './http.ts'
import type { Input, PluginEnvironment } from './input.ts'
import type { Terminal } from './terminal.ts'

export interface Tokens {
  /** @throws UsageError if there is none */
  current(): Promise<string>
  /** Requests a new token; undefined for a token of the options or the environment. */
  renew?(): Promise<string>
}

const EXPECTED =
  'no token: expected --token-file, --token, PO_TOKEN, or KEYCLOAK_URL with PO_CLIENT_ID and PO_CLIENT_SECRET'

function fileContent(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new UsageError(`${name}: '${path}' cannot be read (${code})`, { cause })
  }
}

/** The value of `NAME`, or the content of the file whose path is in `NAME_FILE`. */
function secretOf(env: PluginEnvironment, name: string): string | undefined {
  const [value, file] = [env[name], env[`${name}_FILE`]]
  if (value && file) throw new UsageError(`expected ${name} or ${name}_FILE, not both`)
  return file ? fileContent(`${name}_FILE`, file) : value?.trim()
}

/** A token must be valid in a header. The message does not contain it. */
function assertToken(name: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError(
    `${name}: expected one token, not ${token === '' ? 'nothing' : 'text with blanks or line breaks'}`,
  )
}

function givenToken({ token, tokenFile }: Input, env: PluginEnvironment): string | undefined {
  if (token !== undefined) return assertToken('--token', token.trim())
  if (tokenFile !== undefined) return assertToken('--token-file', fileContent('--token-file', tokenFile))
  const found = secretOf(env, 'PO_TOKEN')
  return found === undefined ? undefined : assertToken('PO_TOKEN', found)
}

interface Client {
  readonly url: string
  readonly id: string
  readonly secret: string
}

function clientOf(env: PluginEnvironment): Client {
  const { KEYCLOAK_URL: url, KEYCLOAK_REALM: realm, PO_CLIENT_ID: id } = env
  const secret = secretOf(env, 'PO_CLIENT_SECRET')
  if (!url && !id && !secret) throw new UsageError(EXPECTED)
  const lacking = Object.entries({ KEYCLOAK_URL: url, PO_CLIENT_ID: id, PO_CLIENT_SECRET: secret })
    .filter(([, value]) => !value)
    .map(([name]) => name)
  if (!url || !id || !secret)
    throw new UsageError(`no token: for one from Keycloak ${lacking.join(' and ')} is lacking`)
  if (!URL.canParse(url)) throw new UsageError(`KEYCLOAK_URL: expected an http:// or https:// URL, not '${url}'`)
  const base = url.replace(/\/$/, '')
  return { url: `${base}/realms/${encodeURIComponent(realm || 'flame')}/protocol/openid-connect/token`, id, secret }
}

async function requestToken({ url, id, secret }: Client, send: SendRequest): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: id, client_secret: secret }
  const answer = await send(url, { method: 'POST', body: new URLSearchParams(form) })
  const body = answer.json as { access_token?: unknown; error_description?: unknown; error?: unknown } | undefined
  if (answer.ok && typeof body?.access_token === 'string') return body.access_token
  const why = body?.error_description ?? body?.error ?? 'no token in the answer'
  throw new CommandError(`Keycloak gave client '${id}' no token: ${answer.status}: ${String(why)}`)
}

export function createTokens(
  input: Input,
  env: PluginEnvironment,
  terminal: Terminal,
  send: SendRequest = sendRequest,
): Tokens {
  const given = givenToken(input, env)
  if (given !== undefined) {
    terminal.hide(given)
    return { current: async () => given }
  }
  let token: Promise<string> | undefined
  const issue = async (): Promise<string> => {
    const client = clientOf(env)
    terminal.hide(client.secret)
    const fresh = await requestToken(client, send)
    terminal.hide(fresh)
    return fresh
  }
  const renew = () => {
    token = issue()
    return token
  }
  return { current: () => token ?? renew(), renew }
}
