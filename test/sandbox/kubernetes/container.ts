/**
 * A container as a local process: started from the image table, its output kept as its log, probed, restarted in place
 * with a back-off, ended with SIGTERM and then SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { type ContainerLog, createContainerLog } from './container-log.ts'
import { type Mounts, NotReady } from './pod-inputs.ts'
import type { ContainerSpec, ContainerState, ContainerStatus, PodSpec, Terminated } from './pod-types.ts'
import { anotherPort, freePort, givePortBack } from './ports.ts'
import { isRun, type Probed, startProbe } from './probe.ts'
import { timestamp } from './store.ts'

export interface ImageContext {
  readonly env: Record<string, string>
  /** Loopback port that is the container's: it should listen there. Also in the environment, as PORT. */
  readonly port: number
  /** Of the pod. */
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly container: string
  /** Files of Secret and ConfigMap volumes, by mount path and file name. */
  readonly mounts: Mounts
  /** Real directories by mount path; environment, command and arguments already name those. */
  readonly directories: Readonly<Record<string, string>>
  /** As the pod says; empty when it leaves that to the image. */
  readonly command: readonly string[]
  readonly args: readonly string[]
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** May wait for what the program needs to be told, such as the port of another Service. */
export type Image = (context: ImageContext) => Program | Promise<Program>

export interface Runtime {
  readonly images: Readonly<Record<string, Image | 'idle'>>
  /** First delay before a restart; doubles up to twenty times of it. */
  readonly backoffMs: number
  readonly logBytes: number
}

export interface Container {
  readonly spec: ContainerSpec
  readonly port: number
  status(): ContainerStatus
  log(previous: boolean): ContainerLog | undefined
  stop(graceMs: number): Promise<void>
  /** Resolves once it runs, has passed its startup probe, or has ended. */
  readonly begun: Promise<void>
  /** How it ended, once it will not be started again; undefined when it was stopped before it ever ran. */
  readonly over: Promise<Terminated | undefined>
}

export interface ContainerWorld {
  readonly runtime: Runtime
  readonly restartPolicy: PodSpec['restartPolicy']
  /** Everything for the image but the port; throws NotReady while something is missing. */
  readonly inputs: () => Promise<Omit<ImageContext, 'port'>>
  /** A path of the container as it is on this machine; any other text as it is. */
  readonly local: (text: string) => string
  /** What the container left as its termination message. */
  readonly message: () => string
  readonly onChange: () => void
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) signal(child, 'SIGKILL')
})

/** To the whole process group: what a container's first process leaves behind ends with it. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name)
  } catch {
    // It has ended already.
  }
}

export async function startContainer(spec: ContainerSpec, world: ContainerWorld): Promise<Container> {
  const { runtime, onChange } = world
  let port = await freePort()
  let launches = 0
  let state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  let lastState: ContainerStatus['lastState'] = {}
  let log: ContainerLog | undefined
  let previous: ContainerLog | undefined
  let child: ChildProcess | undefined
  let restarts = 0
  let crashes = 0
  let ready = false
  let stopping = false
  let timer: NodeJS.Timeout | undefined
  let stopProbes = () => {}
  const begun = Promise.withResolvers<void>()
  const over = Promise.withResolvers<Terminated | undefined>()

  function enter(next: ContainerState): void {
    state = next
    if (!('running' in next)) ready = false
    onChange()
  }

  function later(ms: number, next: () => void): void {
    timer = setTimeout(next, ms)
  }

  function begin(): void {
    if (stopping) return
    const image = runtime.images[spec.image]
    if (image && image !== 'idle') void launch(image)
    else pullFailed()
  }

  async function launch(image: Image): Promise<void> {
    try {
      if (launches > 0) port = await anotherPort(port)
      launches += 1
      const inputs = await world.inputs()
      const program = await image({ ...inputs, port })
      if (!stopping) run(program, inputs.env)
    } catch (error) {
      waitAndRetry(error)
    }
  }

  function waitAndRetry(error: unknown): void {
    const reason = error instanceof NotReady ? error.reason : 'RunContainerError'
    enter({ waiting: { reason, message: error instanceof Error ? error.message : String(error) } })
    if (!stopping) later(runtime.backoffMs, begin)
  }

  function pullFailed(): void {
    const backedOff = 'waiting' in state && state.waiting.reason === 'ErrImagePull'
    const message = backedOff
      ? `Back-off pulling image "${spec.image}"`
      : `failed to pull and unpack image "${spec.image}": not found`
    enter({ waiting: { reason: backedOff ? 'ImagePullBackOff' : 'ErrImagePull', message } })
    later(runtime.backoffMs * (backedOff ? 8 : 1), begin)
  }

  function run(program: Program, given: Readonly<Record<string, string>>): void {
    const startedAt = timestamp()
    const since = Date.now()
    const output = createContainerLog(runtime.logBytes)
    const started = spawn(program.command, program.args, {
      cwd: program.cwd,
      env: { PATH: process.env['PATH'] ?? '', ...given, ...program.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    children.add(started)
    child = started
    previous = log
    log = output
    started.stdout.on('data', (chunk: Buffer) => output.write(chunk))
    started.stderr.on('data', (chunk: Buffer) => output.write(chunk))
    started.on('error', (error) => output.write(Buffer.from(`${error.message}\n`)))
    started.on('exit', () => signal(started, 'SIGKILL'))
    started.on('close', (code, name) => {
      children.delete(started)
      output.end()
      if (Date.now() - since > runtime.backoffMs * 20) crashes = 0
      ended({ ...endingOf(code, name, startedAt), ...messageOf(code ?? 128, output) })
    })
    enter({ running: { startedAt } })
    if (child === started && started.pid !== undefined)
      probe(started, { port, pid: started.pid, env: given, local: world.local })
  }

  /** What it wrote, or, where the pod asks for that and it failed, the end of its log. */
  function messageOf(exitCode: number, output: ContainerLog): { readonly message?: string } {
    const written = world.message()
    const fallsBack = written === '' && exitCode !== 0 && spec.terminationMessagePolicy === 'FallbackToLogsOnError'
    const message = fallsBack ? tailOf(output) : written
    return message === '' ? {} : { message }
  }

  function ended(terminated: Terminated): void {
    stopProbes()
    child = undefined
    const again =
      !stopping &&
      (world.restartPolicy === 'Always' || (world.restartPolicy === 'OnFailure' && terminated.exitCode !== 0))
    enter({ terminated })
    if (!again) {
      over.resolve(terminated)
      begun.resolve()
      return
    }
    const delay = Math.min(runtime.backoffMs * 2 ** crashes, runtime.backoffMs * 20)
    later(Math.min(delay, runtime.backoffMs), () => {
      lastState = { terminated }
      enter({
        waiting: {
          reason: 'CrashLoopBackOff',
          message: `back-off ${delay}ms restarting failed container=${spec.name}`,
        },
      })
      later(delay, () => {
        crashes++
        restarts++
        begin()
      })
    })
  }

  function probe(of: ChildProcess, probed: Probed): void {
    const { readinessProbe, livenessProbe, startupProbe } = spec
    const stops: (() => void)[] = []
    stopProbes = () => {
      for (const stop of stops.splice(0)) stop()
    }
    const setReady = (value: boolean) => {
      if (ready === value || child !== of) return
      ready = value
      onChange()
    }
    if (isRun(startupProbe)) stops.push(startProbe(startupProbe, probed, (ok) => ok && begun.resolve()))
    else begun.resolve()
    if (isRun(readinessProbe)) stops.push(startProbe(readinessProbe, probed, setReady))
    else setReady(true)
    if (!isRun(livenessProbe)) return
    let failures = 0
    const onResult = (ok: boolean) => {
      failures = ok ? 0 : failures + 1
      if (failures >= (livenessProbe.failureThreshold ?? 3)) of.kill('SIGTERM')
    }
    stops.push(startProbe(livenessProbe, probed, onResult))
  }

  begin()
  return {
    spec,
    begun: begun.promise,
    over: over.promise,
    get port() {
      return port
    },
    status: () => ({
      name: spec.name,
      image: spec.image,
      imageID: runtime.images[spec.image] ? `sandbox://${spec.image}` : '',
      ready,
      started: 'running' in state,
      restartCount: restarts,
      state,
      lastState,
    }),
    log: (old) => (old ? previous : log),
    async stop(graceMs) {
      stopping = true
      clearTimeout(timer)
      stopProbes()
      const running = child
      if (running) {
        const closed = once(running, 'close')
        running.kill('SIGTERM')
        const kill = setTimeout(() => signal(running, 'SIGKILL'), graceMs)
        await closed
        clearTimeout(kill)
      }
      over.resolve('terminated' in state ? state.terminated : undefined)
      begun.resolve()
      givePortBack(port)
    },
  }
}

/** As much as a cluster keeps of a log: 80 lines, 2 KiB. */
const tailOf = (log: ContainerLog): string =>
  Buffer.concat(
    log
      .lines()
      .slice(-80)
      .map(({ text }) => text),
  )
    .subarray(-2048)
    .toString('utf8')

function endingOf(code: number | null, name: NodeJS.Signals | null, startedAt: string): Terminated {
  const number = name ? constants.signals[name] : undefined
  const exitCode = code ?? 128 + (number ?? 0)
  return {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(number === undefined ? {} : { signal: number }),
    startedAt,
    finishedAt: timestamp(),
  }
}
