/**
 * A service that its variables control; each writes a JSON file to /output:
 *   LOOK       JSON, name → [host, port]: tries to connect, and searches for credentials
 *   WRITE_MIB  writes a large file, and its digest
 *   SUM        sums `value` of the outputs of all runs, as the input of a fan-in
 *   VALUE      writes it, and which run it was
 *   SECONDS    how long it works; EXIT: its exit code
 */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const { env } = process
const OUTPUT = '/output'
function leave(name: string, value: object): void {
  // A pod that is not of a run has no such folder; the test reads its log.
  if (existsSync(OUTPUT)) writeFileSync(join(OUTPUT, name), JSON.stringify(value))
  console.log(JSON.stringify(value))
}

const MIB = 1024 * 1024
const GIVE_UP_MS = 2000

function reach(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, timeout: GIVE_UP_MS })
  socket
    .on('connect', () => resolve(true))
    .on('error', () => resolve(false))
    .on('timeout', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

async function look(targets: Readonly<Record<string, readonly [host: string, port: number]>>): Promise<void> {
  const tried = Object.entries(targets).map(async ([name, [host, port]]) => [name, await reach(host, port)] as const)
  const folders = ['/var/run/secrets', '/run/secrets']
  leave('look.json', {
    reached: Object.fromEntries(await Promise.all(tried)),
    variables: Object.keys(env).sort(),
    folders: folders.filter((folder) => existsSync(folder)),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => /token|secret|^\/(input|output)/.test(path))
      .sort(),
  })
}

function write(mib: number): void {
  const hash = createHash('sha256')
  mkdirSync(join(OUTPUT, 'deep/down'), { recursive: true })
  const file = join(OUTPUT, 'deep/down/large.bin')
  for (let at = 0; at < mib; at += 1) {
    const block = createHash('sha512').update(`${env['RUN_ID']} ${at}`).digest()
    const bytes = Buffer.alloc(MIB, block)
    hash.update(bytes)
    appendFileSync(file, bytes)
  }
  symlinkSync('/etc/passwd', join(OUTPUT, 'link'))
  leave('large.json', { sha256: hash.digest('hex'), length: mib * MIB })
}

function sum(): void {
  const root = '/input/outputs'
  const values = readdirSync(root).map((index) => {
    const { value } = JSON.parse(readFileSync(join(root, index, 'value.json'), 'utf8')) as { value: number }
    return [index, value] as const
  })
  leave('sum.json', {
    of: values.map(([index]) => index).sort(),
    sum: values.reduce((total, [, each]) => total + each, 0),
  })
}

if (env['LOOK']) await look(JSON.parse(env['LOOK']))
if (env['WRITE_MIB']) write(Number(env['WRITE_MIB']))
if (env['SUM']) sum()
if (env['VALUE']) leave('value.json', { value: Number(env['VALUE']), runId: env['RUN_ID'] })
if (env['SECONDS']) await sleep(Number(env['SECONDS']) * 1000)
process.exit(Number(env['EXIT'] ?? 0))
