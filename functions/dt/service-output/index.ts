/** `GET /service/{id}/output/{idx}`. Positions count from 0 and do not change. */
import { output } from '../../../shared/files/runs.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { contentReply } from '../../../shared/http/content.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.serviceOutput
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.serviceOutput,
  async (deps, request) => contentReply(request, await output(deps, request.params)),
  ports,
)
