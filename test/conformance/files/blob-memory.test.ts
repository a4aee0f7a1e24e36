import { memoryBlobs } from './blob-memory.ts'
import { blobStoreConformance } from './blob-store.ts'

blobStoreConformance('memory', async () => {
  const blobs = memoryBlobs()
  return {
    blobs,
    other: memoryBlobs(blobs.held),
    stored: async () => [...blobs.held.values()].flat().reduce((sum, { length }) => sum + length, 0),
    damage: async (body) => void blobs.held.get(body)?.splice(3, 1),
  }
})
