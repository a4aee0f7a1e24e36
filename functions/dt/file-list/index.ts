/** `GET /files`. */
import { fileRows } from '../../../shared/files/answers.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { files } from '../../../shared/wire/files.ts'
import { wire } from '../../../shared/wire/index.ts'

const route = routes.dt.fileList
const ports = wire(route, files)

http(route.name, endpoint(route, fileSchemas.fileList, fileRows, ports))
