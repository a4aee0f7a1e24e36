/** `GET`, `HEAD /files/{file_id}`. The file streams through. */
import { download } from '../../../shared/files/files.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { contentReply } from '../../../shared/http/content.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileGet
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.fileGet,
  async (deps, request) => contentReply(request, await download(deps, request.params.file_id)),
  ports,
)
