/** `PUT /files/{file_id}`: a form with a file, or its bare bytes. */
import { replaceContent } from '../../../shared/files/answers.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { http } from '../../../shared/http/register.ts'
import { streamEndpoint } from '../../../shared/http/stream-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { files } from '../../../shared/wire/files.ts'
import { wire } from '../../../shared/wire/index.ts'

const route = routes.dt.fileReplace
const ports = wire(route, files)

http(route.name, streamEndpoint(route, fileSchemas.fileReplace, replaceContent, ports))
