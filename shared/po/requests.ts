/** From checked request data to what the use cases take. */
import { Fault } from '../platform/fault.ts'
import type { CreateRequest } from './create.ts'
import type { Selection } from './each.ts'
import { type AnalysisId, parseAnalysisId } from './model.ts'
import type { LineRequest } from './record-log.ts'
import type { CreateAnalysis, CreateLogEntity } from './schema.ts'

/** The schema has checked it: a text that is no UUID does not come here. */
function checkedId(spelling: string): AnalysisId {
  const id = parseAnalysisId(spelling)
  if (!id) throw new TypeError('an id that is no UUID passed the schema')
  return id
}

export const selection = ({ analysis_id: spelling }: { readonly analysis_id?: string | undefined }): Selection =>
  spelling === undefined ? undefined : { id: checkedId(spelling), spelling }

export const createRequest = (body: CreateAnalysis): CreateRequest => ({
  id: checkedId(body.analysis_id),
  spelling: body.analysis_id,
  projectId: checkedId(body.project_id),
  registryUrl: body.registry_url,
  registryUser: body.registry_user,
  registryPassword: body.registry_password,
  image: body.image_url,
  kongToken: body.kong_token,
  restartCounter: body.restart_counter,
  progress: body.progress,
})

interface Line {
  readonly body: CreateLogEntity
  /** Undefined: any client but an analysis. */
  readonly caller: { readonly analysisId: AnalysisId | undefined }
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** @throws Fault `forbidden` when an analysis writes in the name of another one */
export function lineRequest({ body, caller, headers }: Line): LineRequest {
  const id = checkedId(body.analysis_id)
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
