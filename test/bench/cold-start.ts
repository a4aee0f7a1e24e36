/**
 * The time from spawn to the first authenticated 200 of every bundled function (of the loop: to the 204 of a tick that
 * sweeps), against the first 200 of a bare Node server, and the memory of each after 100 requests. Each function does its whole
 * work with the realm's keys, the real PostgreSQL and the sandbox's Kubernetes API. Starts are interleaved, so that a slow
 * phase of the machine affects all equally.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { builtRoutes, bundleAll } from '../../knative/image/bundle.ts'
import { memoryEnvironment, nodeOptions } from '../../knative/image/process.ts'
import { poRoutes, type Route, routes } from '../../shared/routes/index.ts'
import { atMost, type BenchRow, median, shown } from './row.ts'
import { startWorld, type World } from './world.ts'

const STARTS = 15
const REQUESTS = 100
const GIVE_UP_MS = 20_000

const BUDGET = {
  database: { times: 3, mebibytes: 96 },
  kubernetes: { times: 4, mebibytes: 128 },
} as const

const budgetOf = ({ kubernetes }: Route) => BUDGET[kubernetes.length > 0 ? 'kubernetes' : 'database']

interface Ask {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Connects as soon as the process listens; cheap enough not to disturb its start. */
async function reachable(port: number): Promise<void> {
  const end = performance.now() + GIVE_UP_MS
  while (performance.now() < end) {
    const socket = connect(port, '127.0.0.1')
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await delay(1)
  }
  throw new Error(`nobody listens on ${port}`)
}

/** @throws unless the status is 200, or 204 for an event */
async function send(port: number, { method, path, headers, body }: Ask): Promise<void> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const options = { port, host: '127.0.0.1', method, path, headers: { ...headers, ...length }, agent: false as const }
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
  request(options, resolve).on('error', reject).end(body)
  const response = await promise
  let text = ''
  for await (const chunk of response) text += chunk
  if (response.statusCode !== 200 && response.statusCode !== 204)
    throw new Error(`${method} ${path}: ${response.statusCode} ${text}`)
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

interface Program {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly ask: () => Ask
}

async function start({ file, env }: Program): Promise<{ child: ChildProcess; port: number }> {
  const port = await freePort()
  const child = spawn(process.execPath, [file], {
    env: { ...env, PORT: String(port), NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return { child, port }
}

/** Milliseconds from spawn to the end of the first response. */
async function coldStart(program: Program): Promise<number> {
  const ask = program.ask()
  const began = performance.now()
  const { child, port } = await start(program)
  try {
    await reachable(port)
    await send(port, ask)
    return performance.now() - began
  } finally {
    await end(child)
  }
}

async function memory(program: Program): Promise<number> {
  const { child, port } = await start(program)
  try {
    await reachable(port)
    for (let i = 0; i < REQUESTS; i++) await send(port, program.ask())
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  } finally {
    await end(child)
  }
}

const BARE: Program = {
  file: fileURLToPath(new URL('bare-server.mjs', import.meta.url)),
  env: {},
  ask: () => ({ method: 'GET', path: '/', headers: {}, body: undefined }),
}

const programOf = (route: Route, dist: string, world: World): Program => ({
  file: join(dist, `${route.name}.mjs`),
  env: {
    ...world.env,
    ...memoryEnvironment(route),
    NODE_OPTIONS: nodeOptions(route),
    FUNCTION_TARGET: route.name,
    LOG_LEVEL: 'warn',
  },
  ask: () => world.ask(route),
})

const answering = (): Route[] => builtRoutes(poRoutes).filter(({ trigger }) => trigger === 'http')
const looping = (): Route[] => builtRoutes(poRoutes).filter(({ trigger }) => trigger === 'event')
/** Shorter than the pause between two starts, so that every start sweeps. */
const EACH_SECOND = { STATUS_LOOP_INTERVAL: '1' }

async function times(programs: ReadonlyMap<string, Program>): Promise<Map<string, number>> {
  const taken = new Map<string, number[]>([...programs.keys()].map((name) => [name, []]))
  for (let i = 0; i <= STARTS; i++)
    for (const [name, program] of programs) {
      const ms = await coldStart(program)
      if (i > 0) taken.get(name)?.push(ms) // the first fills the disk cache
    }
  return new Map([...taken].map(([name, values]) => [name, median(values)]))
}

/** Bundles all functions into a temporary folder and measures them. */
export async function benchColdStart(): Promise<BenchRow[]> {
  const dist = await mkdtemp(join(tmpdir(), 'cold-start-'))
  try {
    await bundleAll(pathToFileURL(`${dist}/`))
    await using world = await startWorld()
    await using still = await startWorld()
    return await measure(dist, world, still)
  } finally {
    await rm(dist, { recursive: true, force: true })
  }
}

const creates = ({ name }: Route): boolean => name === routes.po.create.name

/** @param still without analyses, since the cost of a sweep or cleanup of many is not that of a start */
async function measure(dist: string, world: World, still: World): Promise<BenchRow[]> {
  const functions = answering()
  const rows: BenchRow[] = []
  // Before analyses exist, except those that `create` creates: long lists have a benchmark of their own.
  for (const route of functions.toSorted((a, b) => Number(creates(a)) - Number(creates(b)))) {
    const used = await memory(programOf(route, dist, world))
    rows.push(atMost(`RSS after ${REQUESTS} requests, ${route.name}`, used, 'MiB', budgetOf(route).mebibytes))
  }
  const where = (route: Route) => (creates(route) ? world : still)
  const programs = functions.map((route) => [route.name, programOf(route, dist, where(route))] as const)
  const loops = looping().map((route) => {
    const program = programOf(route, dist, still)
    return [route.name, { ...program, env: { ...program.env, ...EACH_SECOND } }] as const
  })
  const taken = await times(new Map([['bare', BARE], ...programs, ...loops]))
  const bare = taken.get('bare') ?? Number.NaN
  rows.push(shown('first 200 of a bare Node server', bare, 'ms'))
  for (const route of [...functions, ...looping()]) {
    const ratio = (taken.get(route.name) ?? Number.NaN) / bare
    rows.push(
      atMost(
        `spawn to first ${route.trigger === 'event' ? 204 : 200}, ${route.name}`,
        ratio,
        '× bare',
        budgetOf(route).times,
      ),
    )
  }
  return rows
}

if (import.meta.main) console.table(await benchColdStart())
