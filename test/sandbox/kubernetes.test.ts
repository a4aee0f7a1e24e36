import { realApi, SHELL_IMAGE, sandboxApi } from '../shared/adapters/kubernetes/targets.ts'
import { kubernetesApiConformance } from './kubernetes/api/suite.ts'

kubernetesApiConformance('the sandbox', () => sandboxApi({ cronMinuteMs: 2000 }), { shellImage: SHELL_IMAGE })

const { TEST_KUBECONFIG, TEST_CLUSTER_NODES, TEST_IMAGE_BUSYBOX = 'dev.local/busybox:1' } = process.env
if (TEST_KUBECONFIG) {
  const shellImage = TEST_CLUSTER_NODES === '1' ? TEST_IMAGE_BUSYBOX : undefined
  kubernetesApiConformance('a real API server', () => realApi(TEST_KUBECONFIG), { shellImage })
} else {
  process.stderr.write(
    'NOT TESTED: the API suite on a real API server. Set TEST_KUBECONFIG to run it, and TEST_CLUSTER_NODES=1 where pods run.\n',
  )
}
