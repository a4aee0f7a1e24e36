/** Waits until applied objects are ready, prints each change, and in the end what is not ready and why. */
import { setTimeout as delay } from 'node:timers/promises'
import * as cluster from './kubectl.ts'
import { DeployError, type DeployedObject, isFunction, refOf, titleOf } from './objects.ts'
import { currentPods, podTrouble, type Readiness, readinessOf } from './readiness.ts'

const POLL_MS = 1000

interface WaitOptions {
  readonly namespace: string
  readonly timeoutSeconds: number
  readonly print: (line: string) => void
}

const selectorOfPods = (object: DeployedObject): string | undefined => {
  if (isFunction(object)) return `serving.knative.dev/service=${object.metadata.name}`
  if (object.kind === 'Job') return `batch.kubernetes.io/job-name=${object.metadata.name}`
  if (object.kind === 'Deployment') return `app.kubernetes.io/name=${object.metadata.name}`
  return undefined
}

interface Observation {
  readonly object: DeployedObject
  readonly live: DeployedObject | undefined
  readonly readiness: Readiness
}

/** The status of a pod has reasons that its owner's lacks, such as a failed image pull or the last log line of a program. */
async function explain({ live, readiness }: Observation, namespace: string): Promise<string> {
  const why = readiness.state === 'ready' ? 'ready' : readiness.why
  const selector = live && selectorOfPods(live)
  if (!selector || readiness.state === 'ready') return why
  const found = await cluster.selectAll(
    live.kind === 'Deployment' ? ['pods', 'replicasets'] : ['pods'],
    namespace,
    selector,
  )
  const trouble = currentPods(live, found)
    .map(podTrouble)
    .find((one) => one !== undefined)
  return trouble && !why.includes(trouble) ? `${why} (${trouble})` : why
}

async function observe(objects: readonly DeployedObject[]): Promise<readonly Observation[]> {
  const live = await cluster.getAll(objects.map(refOf))
  return objects.map((object) => {
    const found = live.find(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === object.apiVersion && kind === object.kind && metadata.name === object.metadata.name,
    )
    const readiness: Readiness = found ? readinessOf(found) : { state: 'waiting', why: 'not there yet' }
    return { object, live: found, readiness }
  })
}

async function describe(observations: readonly Observation[], namespace: string): Promise<string> {
  const lines = observations.map(async (one) => `  ${titleOf(one.object)}: ${await explain(one, namespace)}`)
  return (await Promise.all(lines)).join('\n')
}

/** @throws DeployError with a line per object that has failed or is not ready in time */
export async function untilReady(
  objects: readonly DeployedObject[],
  { namespace, timeoutSeconds, print }: WaitOptions,
) {
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const printed = new Map<string, string>()
  const printChange = (title: string, state: string) => {
    if (printed.get(title) === state) return
    printed.set(title, state)
    print(`${String(seconds()).padStart(5)} s  ${title}: ${state}`)
  }
  for (;;) {
    const observations = await observe(objects)
    for (const one of observations) printChange(titleOf(one.object), await explain(one, namespace))
    const notReady = observations.filter(({ readiness }) => readiness.state !== 'ready')
    if (notReady.length === 0) return
    const failed = notReady.filter(({ readiness }) => readiness.state === 'failed')
    if (failed.length > 0) throw new DeployError(`failed:\n${await describe(failed, namespace)}`)
    if (seconds() >= timeoutSeconds)
      throw new DeployError(`not ready after ${timeoutSeconds} s:\n${await describe(notReady, namespace)}`)
    await delay(POLL_MS)
  }
}
