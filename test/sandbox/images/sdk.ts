/**
 * The part of an analysis that every analysis has: what the FLAME SDK does between its container's environment, its
 * proxy and the orchestrator that polls it. It runs alone on Node 24, with nothing beside this folder.
 *
 * Environment: KEYCLOAK_TOKEN, DATA_SOURCE_TOKEN, ANALYSIS_ID, PROJECT_ID, DEPLOYMENT_NAME; and for machines on which
 * `nginx-{DEPLOYMENT_NAME}` is no host name, FLAME_PROXY_URL; PORT and HOST to listen at, default 8000 of all
 * interfaces.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, type Running, type Status, serve } from './api.ts'

export type Level = 'debug' | 'info' | 'notice' | 'warn' | 'error'

const LOG_TIMEOUT_MS = 5000

export interface Sdk {
  readonly status: Status
  /** The end, or anything else that the next poll is to say. */
  become(status: Status, progress?: number): void
  /** Sends a line once; one that does not arrive is only printed. */
  log(message: string, level?: Level): Promise<void>
  setProgress(percent: number): void
  /** Names of the files the project's data sources hold, as paths for `read`. */
  files(): Promise<string[]>
  read(path: string): Promise<string>
  /** Submits a result to the Hub. */
  submit(name: string, content: string): Promise<void>
}

const required = (env: Environment, name: string): string => {
  const value = env[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}

const proxyUrl = (env: Environment): string =>
  env['FLAME_PROXY_URL'] ?? `http://nginx-${required(env, 'DEPLOYMENT_NAME')}`

async function proxyIsUp(base: string): Promise<void> {
  const isUp = () =>
    fetch(`${base}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isUp())) await sleep(1000)
}

/** Waits for the proxy, subscribes at the broker, serves the API. A broker that is away makes the analysis stuck. */
export async function startSdk(env: Environment = process.env): Promise<Sdk> {
  const base = proxyUrl(env)
  const id = required(env, 'ANALYSIS_ID')
  const running: Running = {
    status: 'starting',
    progress: 0,
    token: required(env, 'KEYCLOAK_TOKEN'),
    startedAt: Date.now(),
  }

  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${running.token}`, ...init.headers },
    })
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    call(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...init,
    })
  const data = (path: string) => call(path, { headers: { apikey: required(env, 'DATA_SOURCE_TOKEN') } })

  const sdk: Sdk = {
    get status() {
      return running.status
    },
    become(status, progress = running.progress) {
      running.status = status
      running.progress = progress
    },
    setProgress(percent) {
      running.progress = percent
    },
    async log(message, level = 'info') {
      const { status, progress } = running
      console.log(`${new Date().toISOString()} ${level} ${message}`)
      const line = { log: message, log_type: level, analysis_id: id, status, progress }
      await post('/po/stream_logs', line, { signal: AbortSignal.timeout(LOG_TIMEOUT_MS) }).catch((error: unknown) =>
        console.error('log line lost:', String(error)),
      )
    },
    async files() {
      const project = required(env, 'PROJECT_ID')
      const { data: sources } = (await (await call(`/hub-adapter/kong/datastore/${project}`)).json()) as {
        data: { name: string }[]
      }
      const listings = sources.map(async ({ name }) => {
        const listing = await (await data(`/kong/${name}/s3`)).text()
        return [...listing.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => `/kong/${name}/s3/${key}`)
      })
      return (await Promise.all(listings)).flat()
    },
    read: async (path) => (await data(path)).text(),
    async submit(name, content) {
      const form = new FormData()
      form.set('file', new Blob([content]), name)
      await call('/storage/final/', { method: 'PUT', body: form })
    },
  }

  await proxyIsUp(base)
  try {
    await post(`/message-broker/analyses/${id}/messages/subscriptions`, { webhookUrl: `${base}/analysis/webhook` })
    const self = (await (await call(`/message-broker/analyses/${id}/participants/self`)).json()) as { nodeId: string }
    await sdk.log(`connected as node ${self.nodeId}`)
    running.status = 'executing'
  } catch (error) {
    await sdk.log(`the message broker cannot be reached: ${String(error)}`, 'error')
    running.status = 'stuck'
  }
  await serve(env, running)
  return sdk
}
