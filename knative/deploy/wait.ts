/** Waits until applied objects work, says what changes, and in the end what does not work and why. */
import { setTimeout as delay } from 'node:timers/promises'
import * as cluster from './kubectl.ts'
import { type DeployedObject, isFunction, Refused, refOf, titleOf } from './objects.ts'
import { currentPods, podTrouble, type Readiness, readinessOf } from './readiness.ts'

const LOOK_MS = 1000

export interface Waiting {
  readonly namespace: string
  readonly timeoutSeconds: number
  readonly say: (line: string) => void
}

/** Thrown with a line for each object that does not work. */
export class NotReady extends Refused {}

const selectorOfPods = (object: DeployedObject): string | undefined => {
  if (isFunction(object)) return `serving.knative.dev/service=${object.metadata.name}`
  if (object.kind === 'Job') return `batch.kubernetes.io/job-name=${object.metadata.name}`
  if (object.kind === 'Deployment') return `app.kubernetes.io/name=${object.metadata.name}`
  return undefined
}

interface Look {
  readonly object: DeployedObject
  /** As the API server has it; undefined when it is not there. */
  readonly live: DeployedObject | undefined
  readonly readiness: Readiness
}

/** Pods know more than their owners: that an image cannot be pulled, and the last words of a program. */
async function explain({ live, readiness }: Look, namespace: string): Promise<string> {
  const why = readiness.state === 'ready' ? 'ready' : readiness.why
  const selector = live && selectorOfPods(live)
  if (!selector || readiness.state === 'ready') return why
  const found = await cluster.select(
    live.kind === 'Deployment' ? ['pods', 'replicasets'] : ['pods'],
    namespace,
    selector,
  )
  const trouble = currentPods(live, found)
    .map(podTrouble)
    .find((one) => one !== undefined)
  return trouble && !why.includes(trouble) ? `${why} (${trouble})` : why
}

async function look(objects: readonly DeployedObject[]): Promise<readonly Look[]> {
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

async function describe(looks: readonly Look[], namespace: string): Promise<string> {
  const lines = looks.map(async (one) => `  ${titleOf(one.object)}: ${await explain(one, namespace)}`)
  return (await Promise.all(lines)).join('\n')
}

/** Resolves when all work. @throws NotReady when one cannot, or when time is up */
export async function untilReady(objects: readonly DeployedObject[], { namespace, timeoutSeconds, say }: Waiting) {
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  const told = new Map<string, string>()
  const tell = (title: string, news: string) => {
    if (told.get(title) === news) return
    told.set(title, news)
    say(`${String(seconds()).padStart(5)} s  ${title}: ${news}`)
  }
  for (;;) {
    const looks = await look(objects)
    for (const one of looks) tell(titleOf(one.object), await explain(one, namespace))
    const open = looks.filter(({ readiness }) => readiness.state !== 'ready')
    if (open.length === 0) return
    const failed = open.filter(({ readiness }) => readiness.state === 'failed')
    if (failed.length > 0) throw new NotReady(`failed:\n${await describe(failed, namespace)}`)
    if (seconds() >= timeoutSeconds)
      throw new NotReady(`not ready after ${timeoutSeconds} s:\n${await describe(open, namespace)}`)
    await delay(LOOK_MS)
  }
}
