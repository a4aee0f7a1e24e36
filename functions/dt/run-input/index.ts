/** `GET /run/{service_id}/inputs[/{sha256}]`, for the program that fetches them. */
import { input, inputs } from '../../../shared/files/runs.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { contentReply } from '../../../shared/http/content.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.runInput
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.runInput,
  {
    'GET /run/{service_id}/inputs': (deps, { caller, query }) => inputs(deps, caller, query),
    'GET /run/{service_id}/inputs/{sha256}': async (deps, request) =>
      contentReply(request, await input(deps, request.caller, { ...request.params, ...request.query })),
  },
  ports,
)
