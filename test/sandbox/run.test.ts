/** `make run` for a user: the printed commands work, and Ctrl-C stops everything. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inherited } from './inherited.ts'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))
const run = promisify(execFile)

let folder: string
let child: ChildProcess
let output = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'po-run-'))
  child = start({ PO_PORT: '0' })
  await printed(/Ctrl-C stops everything/)
}, 120_000)

afterAll(async () => {
  if (child.exitCode === null) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

function start(env: Record<string, string>): ChildProcess {
  const started = spawn(process.execPath, [RUN], {
    env: { ...inherited(), RUN_FOLDER: folder, STATUS_LOOP_INTERVAL: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk) => (output += chunk))
  return started
}

async function printed(pattern: RegExp): Promise<void> {
  while (!pattern.test(output)) {
    if (child.exitCode !== null) throw new Error(`ended early:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Processes below this one, by their parents in /proc. */
async function descendants(pid: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const parents = await Promise.all(
    all.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return [Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])] as const
    }),
  )
  const below = (parent: number): number[] =>
    parents.filter(([, of]) => of === parent).flatMap(([own]) => [own, ...below(own)])
  return below(pid)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('writes what scripts need', async () => {
  const env = await readFile(join(folder, 'env'), 'utf8')
  const names = [...env.matchAll(/^export ([A-Z_]+)='[^']+'$/gm)].map(([, name]) => name)
  expect(names).toEqual([
    'PO_URL',
    'PO_TOKEN',
    'PO_TICK_URL',
    'PO_CLIENT_ID',
    'PO_CLIENT_SECRET',
    'HUB_URL',
    'HUB_URL_CORE',
    'HUB_URL_AUTH',
    'KEYCLOAK_URL',
    'KEYCLOAK_REALM',
    'DATABASE_URL',
    'KUBECONFIG',
    'HUB_CLIENT_ID',
    'HUB_CLIENT_SECRET',
    'PO_EXAMPLE',
    'PO_EXAMPLE_STUCK',
    'DT_URL',
    'DT_TOKEN',
    'DT_IMAGE',
    'DT_VERSION',
  ])
})

test('prints three commands that work as printed', async () => {
  const commands = output.match(/^ {2}\. .*curl.*PO_URL.*$/gm) ?? []
  expect(commands).toHaveLength(3)
  const [create = '', status = '', history = ''] = commands
  const shell = async (command: string) => JSON.parse((await run('sh', ['-c', command])).stdout) as never
  const [id = '', word] = Object.entries(await shell(create))[0] ?? []
  expect(word).toBe('started')
  expect(await shell(status)).toMatchObject({ [id]: { progress: expect.any(Number) } })
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { analysis } = (await shell(history)) as { analysis: Record<string, string[]> }
    if (analysis[id]?.[0]?.includes('the result is stored')) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect.fail('the history never had the logs')
}, 90_000)

test('prints how to launch a digital twin, and how to see that it answers', async () => {
  const [launch = '', list = ''] = output.match(/^ {2}\. .*curl.*DT_URL.*$/gm) ?? []
  const shell = async (command: string) => JSON.parse((await run('sh', ['-c', command])).stdout) as never
  const { id } = (await shell(launch)) as { id: string }
  const urlOf = async () =>
    ((await shell(list)) as { id: string; url: string | null }[]).find((one) => one.id === id)?.url ?? ''
  await expect.poll(urlOf, { timeout: 30_000, interval: 200 }).toMatch(/^http:/)
  expect(await (await fetch(`${await urlOf()}/x`)).json()).toMatchObject({ path: '/x', asked: 1 })
}, 60_000)

test('prints a command of the plugin for kn, and writes what it needs', async () => {
  const [command = ''] = output.match(/^ {2}\. .*kn-po.*$/m) ?? []
  const shell = (line: string) => run('sh', ['-c', line])
  expect((await shell(`${command} -o json`)).stdout).toBe('{}\n')
  const { stdout } = await shell(command.replace('&&', '&& unset PO_TOKEN &&').replace('kn-po status', 'kn-po tick'))
  expect(stdout).toMatch(/ taken \(204\)\n$/)
  expect((await shell(command.replace('&&', '&& unset PO_TOKEN &&'))).stderr).toBe('No analyses.\n')
}, 60_000)

test('names a port that is taken and how to choose another', async () => {
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const { port } = blocker.address() as { port: number }
  output = ''
  const second = start({ PO_PORT: String(port), RUN_FOLDER: join(folder, 'second') })
  const [code] = await once(second, 'exit')
  blocker.close()
  expect(code).toBe(1)
  expect(output).toContain(`Port ${port} is in use. Choose another one, for example: make run PO_PORT=8001`)
}, 90_000)

test('ends at Ctrl-C with everything it started', async () => {
  const pids = await descendants(child.pid ?? 0)
  expect(pids.length).toBeGreaterThan(12)
  child.kill('SIGINT')
  await once(child, 'exit')
  for (let attempt = 0; attempt < 100 && pids.some(isAlive); attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(pids.filter(isAlive)).toEqual([])
}, 60_000)
