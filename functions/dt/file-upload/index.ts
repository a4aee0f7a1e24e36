/** `POST /files/upload`. The file streams through. */
import { upload } from '../../../shared/files/files.ts'
import { formUpload } from '../../../shared/files/requests.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireFiles } from '../../../shared/wire/files.ts'

const route = routes.dt.fileUpload
const ports = wireFiles(route)

registerEndpoint(route, fileSchemas.fileUpload, async (deps, request) => upload(deps, await formUpload(request)), ports)
