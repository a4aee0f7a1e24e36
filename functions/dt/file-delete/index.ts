/** `DELETE /files/{file_id}`. Services keep what they were launched with. */
import { remove } from '../../../shared/files/files.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { expectedTags } from '../../../shared/http/range.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileDelete
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.fileDelete,
  (deps, { params, headers }) => remove(deps, params.file_id, expectedTags(headers['if-match'])),
  ports,
)
