/**
 * Registers a function under its route name with the functions framework, so that any host of the framework can run it, and
 * for our own server (`start.ts`). Ours starts faster, and it can be drained; the framework's Express server buffers up to 1 GB
 * of each body before a function sees the request.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { http as registerFunction } from '@google-cloud/functions-framework'
import type { FunctionRequest } from './body.ts'

export type HttpFunction = (request: FunctionRequest, response: ServerResponse) => Promise<void>

const registered = new Map<string, HttpFunction>()

export function http(name: string, fn: HttpFunction): void {
  registerFunction(name, (request: IncomingMessage, response: ServerResponse) => fn(request, response))
  registered.set(name, fn)
}

export const registeredFunction = (name: string): HttpFunction | undefined => registered.get(name)
