/** One look at one analysis: its pods as Kubernetes has them and its own answer through its proxy. */
import { classify, type Observation } from '../lifecycle.ts'
import type { Analysis } from '../model.ts'
import { LABEL, runName } from '../names.ts'
import type { Health } from '../ports/analysis-api.ts'
import type { PodFacts } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'
import type { World } from './world.ts'

export interface Poll {
  readonly health: Health | undefined
  /** Why there was no answer; for the log. */
  readonly error: unknown
}

/** Asks a run how it is, if there can be one. Needs nothing of Kubernetes, so that both are asked at the same time. */
export async function poll(
  { sidecar }: Pick<Ports, 'sidecar'>,
  { id, run, state }: Analysis,
): Promise<Poll | undefined> {
  if (state === 'restarting') return undefined
  try {
    return { health: await sidecar.healthz(id, run), error: undefined }
  } catch (error) {
    return { health: undefined, error }
  }
}

/**
 * Whether a container of the run is there to answer; one that is ending is not. As long as not all of a run has been made,
 * the way to it may be missing.
 */
export const isAnswerable = (world: World, analysis: Analysis): boolean =>
  analysis.state !== 'starting' &&
  world
    .analysisPods(analysis)
    .some(({ deleting, containers }) => !deleting && containers.some(({ running }) => running))

const seconds = (from: Date, to: Date): number => Math.max(0, (to.getTime() - from.getTime()) / 1000)

/** The pod as if it had begun when it was taken over: what its container went through before is not ours to judge. */
function sinceTakeover(pod: PodFacts): PodFacts {
  const before = Number(pod.labels[LABEL.restartsBefore] ?? 0)
  if (!(before > 0)) return pod
  const containers = pod.containers.map((one) => ({ ...one, restarts: Math.max(0, one.restarts - before) }))
  return { ...pod, containers }
}

/** The observation that pods and answer amount to, this poll counted. */
export function observe(
  { now, settings }: Pick<Ports, 'now' | 'settings'>,
  world: World,
  analysis: Analysis,
  polled: Poll | undefined,
): Observation {
  const { id, run, state, silentPolls, silentSince, runSince } = analysis
  const quiet = polled !== undefined && !polled.health
  return classify(
    {
      recorded: state,
      pods: world
        .analysisPods(analysis)
        .filter(({ deleting }) => !deleting)
        .map(sinceTakeover),
      proxyReady: world.proxyReady(analysis),
      deploymentExists: world.uid('Deployment', runName(id, run)) !== undefined,
      adopted: world.adopted(analysis) !== undefined,
      container: runName(id, run),
      answered: polled?.health?.status,
      silentPolls: quiet ? silentPolls + 1 : 0,
      silentSeconds: quiet && silentSince ? seconds(silentSince, now()) : 0,
      ageSeconds: seconds(runSince, now()),
    },
    settings.budgets,
  )
}
