/** An optional second container of the analysis pod. When it ends, it logs how many bytes the pod received and sent. */
import { CONFINED, nonRoot, type V1 } from '../../platform/objects.ts'
import type { AnalysisId, RunNumber } from '../model.ts'
import { netStatsName } from '../names.ts'

const USER = 65_534

/**
 * For a POSIX shell such as busybox's. The containers of a pod share its network, so the interface's counters are the
 * pod's. Log queries of other FLAME components depend on the format of the line.
 */
export const NET_STATS_SCRIPT = `
interface=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
: "\${interface:=eth0}"
report() {
  kill "$!" 2>/dev/null
  counters=$(sed -n "s/^ *$interface: *//p" /proc/net/dev)
  set -- $counters
  printf '{"level":"info","message":"network_stats","bytes_in":%s,"bytes_out":%s,"interface":"%s","event_name":"netstats.analysis.traffic"}\\n' \\
    "\${1:-0}" "\${9:-0}" "$interface"
  exit 0
}
trap report TERM INT
while :; do
  sleep 3600 &
  wait "$!"
done
`.trimStart()

export const netStatsContainer = (id: AnalysisId, run: RunNumber, image: string): V1<'Container'> => ({
  name: netStatsName(id, run),
  image,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', NET_STATS_SCRIPT],
  resources: {
    requests: { cpu: '1m', memory: '4Mi', 'ephemeral-storage': '1Mi' },
    limits: { cpu: '50m', memory: '16Mi', 'ephemeral-storage': '16Mi' },
  },
  securityContext: { ...CONFINED, ...nonRoot(USER), readOnlyRootFilesystem: true },
})
