/** Applies an overlay of the project to the real API server as a dry run. */
import type { ClusterEnvironment } from '../environment.ts'
import { succeed } from './make.ts'
import { removeOverlay, writeSurvey } from './overlay.ts'

/**
 * @param namespace with the service accounts of its functions, which Serving's dry run needs
 * @returns the accepted functions
 */
export async function survey(
  overlay: string,
  namespace: string,
  { kubeconfig }: Pick<ClusterEnvironment, 'kubeconfig'>,
): Promise<string[]> {
  const folder = await writeSurvey(overlay, namespace)
  const how = ['--server-side', '--force-conflicts', '--field-manager=survey', '--dry-run=server']
  try {
    const { lines } = await succeed('kubectl', ['apply', ...how, '-k', folder, '--namespace', namespace], {
      env: { KUBECONFIG: kubeconfig },
    })
    const applied = lines.map((line) => /^service\.serving\.knative\.dev\/(\S+) serverside-applied/.exec(line)?.[1])
    return applied.filter((name) => name !== undefined).sort()
  } finally {
    await removeOverlay(folder)
  }
}
