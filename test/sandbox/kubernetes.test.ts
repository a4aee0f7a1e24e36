import { realApi, sandboxApi } from '../shared/adapters/kubernetes/targets.ts'
import { kubernetesApiConformance } from './kubernetes/api/suite.ts'

kubernetesApiConformance('the sandbox', sandboxApi)

const { TEST_KUBECONFIG } = process.env
if (TEST_KUBECONFIG) kubernetesApiConformance('a real API server', () => realApi(TEST_KUBECONFIG))
else process.stderr.write('NOT TESTED: the API suite on a real API server. Set TEST_KUBECONFIG to run it.\n')
