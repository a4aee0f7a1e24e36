/** `/run/{service_id}/outputs`, for the program that uploads them. */
import { endingOf, runOf, uploadOf } from '../../../shared/files/requests.ts'
import { end, outputs, upload } from '../../../shared/files/runs.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.runOutput
const ports = wireFiles(route)

registerEndpoint(
  route,
  fileSchemas.runOutput,
  {
    'GET /run/{service_id}/outputs': (deps, request) => outputs(deps, runOf(request), request.query),
    'PUT /run/{service_id}/outputs/{path+}': (deps, request) => upload(deps, runOf(request), uploadOf(request)),
    'POST /run/{service_id}/outputs': async (deps, request) => end(deps, runOf(request), await endingOf(request)),
  },
  ports,
)
