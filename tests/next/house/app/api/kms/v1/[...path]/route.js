import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { memoryStorage } from '@chatelaine/storage-memory'

const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
const handler = createHttpHandler(kms, {
  authenticate: (request) =>
    request.headers.get('authorization') === 'Bearer x' ? { id: 'boss', role: 'admin' } : undefined,
  basePath: '/api/kms',
})

export { handler as DELETE, handler as GET, handler as PATCH, handler as POST, handler as PUT }
