/** An overlay of the project, applied to the real API server as far as a dry run goes. */
import type { ClusterEnvironment } from '../environment.ts'
import { succeed } from './make.ts'
import { removeOverlay, writeSurvey } from './overlay.ts'

/**
 * @param namespace that has the accounts of its functions: Serving asks for their pods
 * @returns the functions that were accepted
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
