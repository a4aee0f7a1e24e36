/** `POST /files/upload`. The file streams through. */
import { uploadForm } from '../../../shared/files/answers.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { http } from '../../../shared/http/register.ts'
import { streamEndpoint } from '../../../shared/http/stream-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { files } from '../../../shared/wire/files.ts'
import { wire } from '../../../shared/wire/index.ts'

const route = routes.dt.fileUpload
const ports = wire(route, files)

http(route.name, streamEndpoint(route, fileSchemas.fileUpload, uploadForm, ports))
