/** The world of the product: Kubernetes and its pods, Keycloak, the Hub and the message broker. */
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import { credentialsName } from '../../../shared/po/names.ts'
import { CREDENTIAL_KEYS, standingPolicy } from '../../../shared/po/objects/index.ts'
import type { AnalysisApi } from '../../../shared/po/ports/analysis-api.ts'
import type { Hub } from '../../../shared/po/ports/hub.ts'
import { type ClusterModel, createClusterModel } from '../cluster/index.ts'
import { keyOf, type Namespace, type Pod } from '../cluster/objects.ts'
import { INTERVAL_MS, type Stage } from '../core/stage.ts'
import type { Excuses } from '../invariants/excuses.ts'
import type { Ledger } from '../invariants/ledger.ts'
import type { Break, Watch } from '../invariants/watch.ts'
import { createAnalyses, type Line, runOf } from './analysis.ts'
import { createHubModel, type HubModel } from './hub.ts'
import { createIdentityModel, type IdentityModel } from './identity.ts'

export interface World {
  readonly model: ClusterModel
  readonly identity: IdentityModel
  readonly hub: Hub
  readonly hubStatuses: HubModel['statuses']
  readonly analysisApi: AnalysisApi
  /** Whether a run was polled within the last three intervals. */
  readonly wasPolled: (id: AnalysisId, run: RunNumber) => boolean
  /** Pods whose analysis has an expired or revoked token. */
  readonly expired: () => readonly Pod[]
}

export interface WorldDeps {
  readonly stage: Stage
  readonly namespace: Namespace
  readonly ledger: Ledger
  readonly watch: Watch
  readonly excuses: Excuses
  readonly broken: Break
  readonly hubKnows: (id: AnalysisId) => boolean
  readonly streams: (line: Line) => void
}

/** Share of log lines that the Hub refuses. */
const REFUSED = 0.02

export async function createWorld(deps: WorldDeps): Promise<World> {
  const { stage, namespace, ledger, watch, excuses, broken, hubKnows, streams } = deps
  const { timeline, random, plan, isBusy } = stage
  const { elapsed, now } = timeline
  const calm = (busy: number, still: number) => () => (isBusy() ? busy : still)

  const model = createClusterModel({
    timeline,
    random,
    namespace,
    watch,
    slowestMs: calm(plan.slowest, 50),
    trouble: calm(plan.podTrouble, 0),
    troubled: (pod, what) => excuses.excuse(runOf(pod).id, `pod ${what}`),
    started: (pod) => analyses.start(pod),
    gone: (pod) => analyses.gone(pod),
  })
  await model.cluster.apply(standingPolicy())

  const identity = createIdentityModel({
    timeline,
    tokenSeconds: plan.tokenSeconds,
    clientRemoved: watch.clientRemoved,
  })

  const tokenOf = (pod: Pod): string | undefined => {
    const { id, run } = runOf(pod)
    const incarnation = ledger.byRun(id, run)
    const root = incarnation && namespace.things.get(keyOf('Secret', credentialsName(id, incarnation.firstRun)))
    const entry = (root?.object['data'] as Record<string, string> | undefined)?.[CREDENTIAL_KEYS.analysisToken]
    return entry && Buffer.from(entry, 'base64').toString()
  }

  const polled = new Map<string, number>()
  const analyses = createAnalyses({
    namespace,
    timeline,
    random,
    trouble: calm(plan.analysisTrouble, 0),
    endless: plan.endless,
    misbehaves: (pod, how) => excuses.excuse(runOf(pod).id, `analysis ${how}`),
    streams,
    exits: model.exit,
    tokenOf,
    expiryOf: (token) => identity.tokens.get(token)?.expiresAt,
    heard: (id, run) => {
      polled.set(`${id}/${run}`, elapsed())
    },
    toldOfPartners: (statuses) => {
      if (typeof statuses !== 'object' || statuses === null) broken('no defect', { partners: statuses })
    },
  })

  const { hub, statuses } = createHubModel({
    random,
    knows: hubKnows,
    told: watch.told,
    logged: (_, message) => watch.left('hub', message),
    refuses: calm(REFUSED, 0),
  })

  return {
    model,
    identity,
    hub,
    hubStatuses: statuses,
    analysisApi: analyses.analysisApi,
    wasPolled: (id, run) => elapsed() - (polled.get(`${id}/${run}`) ?? Number.NEGATIVE_INFINITY) <= 3 * INTERVAL_MS,
    expired: () =>
      analyses.tokens().flatMap(({ pod, token }) => {
        const expiresAt = token && identity.tokens.get(token)?.expiresAt
        return pod.deleting || (expiresAt && expiresAt > now()) ? [] : [pod]
      }),
  }
}
