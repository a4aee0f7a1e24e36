// The least a Node process does to answer over HTTP: what cold starts are measured against.
import { createServer } from 'node:http'

createServer((_, response) => response.end('{}')).listen(Number(process.env['PORT']))
