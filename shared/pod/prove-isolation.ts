/**
 * `prove-isolation` runs in the pod of a run before its image, and ends with 0 only if the pod is isolated. Otherwise its image
 * never starts. The report is the termination message of its container: the status loop reads it from the status of the pod.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { IsolationCheck } from '../platform/isolation.ts'
import { checkIsolation } from './check-isolation.ts'

const { ISOLATION_CHECK = '', ISOLATION_REPORT = '/dev/termination-log', HOST_IP = '' } = process.env
const { KUBERNETES_SERVICE_HOST = '', KUBERNETES_SERVICE_PORT = '443' } = process.env
const given = JSON.parse(readFileSync(ISOLATION_CHECK, 'utf8')) as IsolationCheck
const ofTheNode = [
  { name: 'API server', host: KUBERNETES_SERVICE_HOST, port: Number(KUBERNETES_SERVICE_PORT) },
  { name: 'kubelet', host: HOST_IP, port: 10_250 },
].filter(({ host }) => host !== '')
const report = await checkIsolation({ ...given, mustFail: [...ofTheNode, ...given.mustFail] })
const text = JSON.stringify(report)
console.log(text)
writeFileSync(ISOLATION_REPORT, text)
process.exitCode = report.proven ? 0 : 1
