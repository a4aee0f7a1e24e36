/**
 * The process in the container of an analysis: it boots silently, works, streams lines, and ends in some way. It uses its token
 * while that is valid, and knows the partners that it was notified of.
 */
import { Fault } from '../../../shared/platform/fault.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import { COMPONENT, LABEL, proxyName } from '../../../shared/po/names.ts'
import type { AnalysisApi, SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import type { Exit } from '../cluster/kubelet.ts'
import type { Namespace, Pod } from '../cluster/objects.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'

/** How it ends; `goes on` works until it is stopped. */
const TROUBLES = ['failed', 'stuck', 'stopped', 'hangs', 'crashes', 'leaves', 'slow', 'unconnected'] as const
type Course = 'executed' | 'goes on' | (typeof TROUBLES)[number]

interface App {
  readonly pod: Pod
  readonly course: Course
  status: SdkStatus
  answers: boolean
  token: string | undefined
  progress: number
}

export interface Line {
  readonly id: AnalysisId
  readonly run: RunNumber
  readonly message: string
  readonly status: string
  readonly progress: number
}

export interface AnalysisOptions {
  readonly namespace: Namespace
  readonly timeline: Timeline
  readonly random: Random
  readonly trouble: () => number
  /** Share of analyses that work until they are stopped. */
  readonly endless: number
  /** It misbehaves, which excuses a restart or failure. */
  readonly misbehaves: (pod: Pod, how: Course) => void
  readonly streams: (line: Line) => void
  readonly exits: (pod: Pod, exit: Exit) => void
  readonly tokenOf: (pod: Pod) => string | undefined
  readonly expiryOf: (token: string) => Date | undefined
  readonly heard: (id: AnalysisId, run: RunNumber) => void
  readonly toldOfPartners: (statuses: unknown) => void
}

export interface Analyses {
  readonly analysisApi: AnalysisApi
  readonly start: (pod: Pod) => void
  readonly gone: (pod: Pod) => void
  /** Tokens of working analyses. */
  readonly tokens: () => readonly { readonly pod: Pod; readonly token: string | undefined }[]
}

export const runOf = ({ labels }: Pod): { id: AnalysisId; run: RunNumber } => ({
  id: labels[LABEL.analysis] as AnalysisId,
  run: Number(labels[LABEL.run]) as RunNumber,
})
export const isAnalysis = ({ labels }: Pod): boolean => labels['component'] === COMPONENT.analysis

const SLOW_MS = 90_000

export function createAnalyses(options: AnalysisOptions): Analyses {
  const { namespace, timeline, random, streams, exits } = options
  const apps = new Map<Pod, App>()

  /** Acts later, unless this process has exited by then. */
  const later = (app: App, ms: number, act: () => void) =>
    timeline.after(ms, () => {
      if (apps.get(app.pod) === app && app.pod.isRunning) act()
    })

  const say = (app: App, message: string): void => {
    if (!app.pod.deleting) streams({ ...runOf(app.pod), message, status: app.status, progress: app.progress })
  }

  const END: Readonly<Record<Exclude<Course, 'slow' | 'unconnected' | 'goes on'>, (app: App) => void>> = {
    executed: (app) => {
      Object.assign(app, { status: 'executed', progress: 100 })
      say(app, 'done')
    },
    failed: (app) => {
      app.status = 'failed'
    },
    stuck: (app) => {
      app.status = 'stuck'
    },
    stopped: (app) => {
      app.status = 'stopped'
    },
    hangs: (app) => {
      app.answers = false
    },
    crashes: (app) =>
      exits(
        app.pod,
        random.pick([
          { reason: 'Error', exitCode: 3 },
          { reason: 'OOMKilled', exitCode: 137 },
        ]),
      ),
    leaves: (app) => exits(app.pod, { reason: 'Completed', exitCode: 0 }),
  }

  const work = (app: App, left: number): void => {
    if (left === 0 && app.course !== 'goes on') {
      const end = app.course === 'slow' || app.course === 'unconnected' ? 'executed' : app.course
      if (end !== 'executed') options.misbehaves(app.pod, app.course)
      END[end](app)
      return
    }
    app.progress = Math.min(99, app.progress + random.whole(0, 20))
    if (random.chance(0.7)) say(app, `step ${left}`)
    later(app, random.skewed(1000, 20_000), () => work(app, Math.max(0, left - 1)))
  }

  const connect = (app: App): void => {
    app.answers = true
    if (app.course === 'unconnected') {
      options.misbehaves(app.pod, app.course)
      app.status = 'stuck'
      return
    }
    later(app, random.skewed(100, 8000), () => {
      app.status = 'executing'
      work(app, random.whole(1, 8))
    })
  }

  const start = (pod: Pod): void => {
    if (!isAnalysis(pod)) return
    const trouble = random.chance(options.trouble())
    const course = trouble ? random.pick(TROUBLES) : random.chance(options.endless) ? 'goes on' : 'executed'
    const app: App = { pod, course, status: 'starting', answers: false, token: options.tokenOf(pod), progress: 0 }
    apps.set(pod, app)
    if (course === 'slow') options.misbehaves(pod, course)
    later(app, course === 'slow' ? SLOW_MS : random.skewed(500, 6000), () => connect(app))
  }

  const hasProxy = (id: AnalysisId, run: RunNumber): boolean =>
    namespace.pods
      .values()
      .some(({ labels, ready, deleting }) => labels['app'] === proxyName(id, run) && ready && !deleting)

  /** The process that receives a request to the run. */
  const reach = (id: AnalysisId, run: RunNumber): App => {
    for (const app of apps.values()) {
      const own = runOf(app.pod)
      const { isRunning, deleting } = app.pod
      if (own.id === id && own.run === run && isRunning && !deleting && app.answers && hasProxy(id, run)) return app
    }
    throw new Fault('unavailable', 'no answer')
  }

  const remaining = ({ token }: App): number | null => {
    const expiresAt = token && options.expiryOf(token)
    return expiresAt ? (expiresAt.getTime() - timeline.now().getTime()) / 1000 : null
  }

  return {
    start,
    gone: (pod) => apps.delete(pod),
    tokens: () => [...apps.values()].filter(({ pod, status }) => pod.isRunning && status === 'executing'),
    analysisApi: {
      healthz: async (id, run) => {
        const app = reach(id, run)
        options.heard(id, run)
        return { status: app.status, tokenRemaining: remaining(app) }
      },
      refreshToken: async (id, run, token) => {
        reach(id, run).token = token
      },
      sendPartnerStatuses: async (id, run, statuses) => {
        options.toldOfPartners(statuses)
        reach(id, run)
      },
    },
  }
}
