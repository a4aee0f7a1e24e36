/** Turns validated requests into the input of the use cases. */
import { Fault } from '../platform/fault.ts'
import type { CreateRequest } from './create.ts'
import type { AnalysisId } from './model.ts'
import type { LineRequest } from './record-log.ts'
import type { CreateAnalysis, CreateLogEntity } from './schema.ts'

interface Creation {
  readonly body: CreateAnalysis
  readonly caller: { readonly subject: string }
}

export const createRequest = ({ body, caller }: Creation): CreateRequest => ({
  ...body.analysis_id,
  projectId: body.project_id,
  registryUrl: body.registry_url,
  registryUser: body.registry_user,
  registryPassword: body.registry_password,
  image: body.image_url,
  kongToken: body.kong_token,
  restartCounter: body.restart_counter,
  progress: body.progress,
  requestedBy: caller.subject,
})

interface Line {
  readonly body: CreateLogEntity
  /** Undefined for a client that is not an analysis. */
  readonly caller: { readonly analysisId: AnalysisId | undefined }
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** @throws Fault `forbidden` when an analysis writes to the log of another one */
export function lineRequest({ body, caller, headers }: Line): LineRequest {
  const id = body.analysis_id
  if (caller.analysisId && caller.analysisId !== id)
    throw new Fault('forbidden', 'Analyses may write only their own logs')
  const run = headers['x-flame-run']
  return {
    id,
    level: body.log_type,
    message: body.log,
    status: body.status,
    progress: body.progress,
    runHeader: typeof run === 'string' ? run : undefined,
  }
}
