/** From checked request data to what the use cases take. */
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

export const lineRequest = (body: CreateLogEntity, runHeader: string | undefined): LineRequest => ({
  id: checkedId(body.analysis_id),
  level: body.log_type,
  message: body.log,
  status: body.status,
  progress: body.progress,
  runHeader,
})
