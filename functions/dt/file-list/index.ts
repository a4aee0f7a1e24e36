/** `GET /files`. */
import { list } from '../../../shared/files/files.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileList
const ports = wireFiles(route)

http(
  route.name,
  endpoint(route, fileSchemas.fileList, (deps, { query }) => list(deps, query), ports),
)
