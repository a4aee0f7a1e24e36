/** `GET /service/{id}/output/{idx}`. */
import { serviceOutput } from '../../../shared/files/output-answer.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { http } from '../../../shared/http/register.ts'
import { streamEndpoint } from '../../../shared/http/stream-endpoint.ts'
import { routes } from '../../../shared/routes.ts'
import { files } from '../../../shared/wire/files.ts'
import { wire } from '../../../shared/wire/index.ts'

const route = routes.dt.serviceOutput
const ports = wire(route, files)

http(route.name, streamEndpoint(route, fileSchemas.serviceOutput, serviceOutput, ports))
