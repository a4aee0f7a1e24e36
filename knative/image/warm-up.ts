/**
 * Sends one authenticated request to a bundled function and lets it exit, so that its compile cache covers a whole request: a
 * process that is killed writes no cache. Only the realm's key is reachable; the other services are not.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Route } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'

const UNREACHABLE = 'http://127.0.0.1:9'
const ID = '00000000-0000-4000-8000-000000000000'
/** Valid for every route: schemas ignore unknown fields. */
const BODY = {
  analysis_id: ID,
  project_id: ID,
  registry_url: 'registry.invalid',
  image_url: 'registry.invalid/image',
  registry_user: '',
  registry_password: '',
  kong_token: 'none_needed',
  log: 'warm-up',
  log_type: 'info',
  status: '',
  progress: 0,
}

/** A value for every required setting; keys are long enough. */
function requiredSettings(): Record<string, string> {
  const required = Object.entries(SETTINGS).filter(([, { default: fallback }]) => fallback === undefined)
  return Object.fromEntries(
    required.map(([name]) => [
      name,
      name.includes('URL') ? UNREACHABLE : name.endsWith('_KEY') ? 'warm-up'.repeat(8) : '127.0.0.1',
    ]),
  )
}

async function createRealm() {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'warm-up' }
  const server = createServer((_, response) => void response.end(JSON.stringify({ keys: [jwk] }))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  const signer = new SignJWT({ azp: 'warm-up', typ: 'Bearer' }).setProtectedHeader({ alg: 'RS256', kid: 'warm-up' })
  const token = await signer.setExpirationTime('5m').sign(privateKey)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, token, close: () => server.close() }
}

async function sendRequest(port: number, { endpoints: [endpoint] }: Route, token: string): Promise<void> {
  if (!endpoint) return
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/warm-up',
    'ce-type': 'warm-up',
  }
  const body = endpoint.method === 'GET' ? null : JSON.stringify(BODY)
  const path = endpoint.path.replace(/\{\w+\}/g, ID)
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: endpoint.method, headers, body })
  await response.text()
}

/**
 * @param uid of the user who runs the image
 * @throws if the function does not start or does not exit with 0
 */
export async function warmUp(route: Route, program: URL, uid?: number): Promise<void> {
  const realm = await createRealm()
  const env = {
    ...requiredSettings(),
    KEYCLOAK_URL: realm.url,
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: '9',
    POSTGRES_PORT: '9',
    FUNCTION_TARGET: route.name,
    PORT: '0',
    LOG_LEVEL: 'fatal',
  }
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const exited = once(child, 'exit')
  try {
    const [message] = (await Promise.race([once(child, 'message'), exited])) as [{ port: number } | number]
    if (typeof message !== 'object') throw new Error(`${route.name} does not start`)
    await sendRequest(message.port, route, realm.token)
    child.kill('SIGTERM')
    const [code] = await exited
    if (code !== 0) throw new Error(`${route.name} ended with ${code}`)
  } finally {
    child.kill('SIGKILL')
    realm.close()
  }
}
