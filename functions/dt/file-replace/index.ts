/** `PUT /files/{file_id}`: a form with a file, or its bare bytes. */
import { replace } from '../../../shared/files/files.ts'
import { replacement } from '../../../shared/files/requests.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileReplace
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.fileReplace,
  (deps, request) => replace(deps, request.params.file_id, replacement(request)),
  ports,
)
