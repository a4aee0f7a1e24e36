/** Waits until applied objects work, says what changes, and in the end what does not work and why. */
import { setTimeout as delay } from 'node:timers/promises'
import * as cluster from './kubectl.ts'
import { type DeployedObject, isFunction, Refused, refOf, titleOf } from './objects.ts'
import { podTrouble, type Readiness, readinessOf } from './readiness.ts'

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

/** Pods know more than their owners: that an image cannot be pulled, and the last words of a program. */
async function explain(object: DeployedObject, why: string, namespace: string): Promise<string> {
  const selector = selectorOfPods(object)
  if (!selector) return why
  const pods = await cluster.select(['pods'], namespace, selector)
  const trouble = pods.map(podTrouble).find((found) => found !== undefined)
  return trouble && !why.includes(trouble) ? `${why} (${trouble})` : why
}

interface Look {
  readonly object: DeployedObject
  readonly readiness: Readiness
}

async function look(objects: readonly DeployedObject[]): Promise<readonly Look[]> {
  const live = await cluster.getAll(objects.map(refOf))
  return objects.map((object) => {
    const found = live.find(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === object.apiVersion && kind === object.kind && metadata.name === object.metadata.name,
    )
    const readiness: Readiness = found ? readinessOf(found) : { state: 'waiting', why: 'not there yet' }
    return { object, readiness }
  })
}

async function describe(looks: readonly Look[], namespace: string): Promise<string> {
  const lines = looks.map(async ({ object, readiness }) =>
    readiness.state === 'ready'
      ? undefined
      : `  ${titleOf(object)}: ${await explain(object, readiness.why, namespace)}`,
  )
  return (await Promise.all(lines)).filter((line) => line !== undefined).join('\n')
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
    for (const { object, readiness } of looks) {
      tell(titleOf(object), readiness.state === 'ready' ? 'ready' : await explain(object, readiness.why, namespace))
    }
    const open = looks.filter(({ readiness }) => readiness.state !== 'ready')
    if (open.length === 0) return
    const failed = open.filter(({ readiness }) => readiness.state === 'failed')
    if (failed.length > 0) throw new NotReady(`failed:\n${await describe(failed, namespace)}`)
    if (seconds() >= timeoutSeconds)
      throw new NotReady(`not ready after ${timeoutSeconds} s:\n${await describe(open, namespace)}`)
    await delay(LOOK_MS)
  }
}
