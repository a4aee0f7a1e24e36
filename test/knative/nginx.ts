/** A real nginx with the gateway's configuration, on its own ports and without root. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ENDING_FILE, type GatewaySettings, gatewayConf, HEALTH_PATH } from '../../knative/manifests/gateway-conf.ts'
import { poRoutes } from '../../shared/routes/index.ts'

const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined

export interface RunningGateway {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly deadLetters: string
  /** Its standard output. */
  log(): string
  /** The preStop hook of its pod. */
  announceEnd(): void
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export async function startNginx(
  place: Pick<GatewaySettings, 'resolver' | 'suffix'> & { readonly port: number },
  routes = poRoutes,
): Promise<RunningGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-'))
  const [port, letters] = [await freePort(), await freePort()]
  const [listen, deadLetters] = [`127.0.0.1:${port}`, `127.0.0.1:${letters}`]
  const conf = join(directory, 'nginx.conf')
  const text = gatewayConf(routes, { ...place, listen, deadLetters, directory })
  // A shorter TTL for names than in the cluster keeps the tests fast.
  writeFileSync(conf, text.replace('valid=5s', 'valid=1s'))
  const logs = ['stdout', 'stderr'].map((name) => join(directory, name))
  const [out, err] = logs.map((log) => openSync(log, 'w'))
  if (NOBODY) for (const path of [directory, ...logs]) chownSync(path, NOBODY.uid, NOBODY.gid)
  const child = spawn('nginx', ['-e', 'stderr', '-c', conf, '-g', 'daemon off;'], {
    stdio: ['ignore', out ?? 'ignore', err ?? 'ignore'],
    ...NOBODY,
  })
  const isUp = () =>
    fetch(`http://${listen}${HEALTH_PATH}`).then(
      (answer) => answer.ok,
      () => false,
    )
  while (!(await isUp())) {
    if (child.exitCode !== null)
      throw new Error(`nginx ended with ${child.exitCode}: ${readFileSync(join(directory, 'stderr'), 'utf8')}`)
    await sleep(50)
  }
  return {
    url: `http://${listen}`,
    port,
    pid: child.pid ?? 0,
    deadLetters: `http://${deadLetters}`,
    log: () => readFileSync(join(directory, 'stdout'), 'utf8'),
    announceEnd: () => writeFileSync(join(directory, ENDING_FILE), ''),
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(directory, { recursive: true })
    },
  }
}
