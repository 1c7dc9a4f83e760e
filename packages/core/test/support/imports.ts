import { makeWorld, type World } from './kms.ts'
import { importOf, parameters } from './wrapped-material.ts'

/** The 32 bytes that are brought. */
export const material = Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')

/** A world with a key `k` that waits for its material. */
export async function pending(): Promise<World> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL' })
  return world
}

/** A world whose key has it, for a time or for ever. */
export async function enabled(expiresIn?: number): Promise<World> {
  const world = await pending()
  await bring(world, material, expiresIn)
  return world
}

/** Imports material into the key. */
export async function bring({ kms, clock }: World, bytes: Buffer, expiresIn?: number): Promise<unknown> {
  const request = importOf('k', bytes, await parameters(kms, 'k'))
  const expiresAt = expiresIn === undefined ? undefined : new Date(clock.now() + expiresIn)
  return kms.keys.importKeyMaterial({ ...request, expiresAt })
}
