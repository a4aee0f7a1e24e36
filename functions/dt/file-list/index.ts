/** `GET /files`. */
import { list } from '../../../shared/files/files.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileList
const ports = wireFiles(route)

registerEndpoint(route, fileSchemas.fileList, (deps, { query }) => list(deps, query), ports)
