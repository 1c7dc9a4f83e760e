import { z } from 'zod'
import { keySpecs } from '../keys/spec.ts'
import { nextVersion, rotateKey as rotate } from '../keys/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import { keyReference } from './shared/fields.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key to rotate. */
export interface RotateKeyRequest {
  /** The key: id or name. */
  readonly key: string
}

const schema = z.strictObject({ key: keyReference })

/** Makes a new version of a key current. Old ciphertexts keep opening; callers in other processes notice nothing. */
export const rotateKey: ChangeOperation<RotateKeyRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'rotateKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('rotateKey', request.key)
    const version = nextVersion(key)
    const material = change.keyring.generate(key, version, keySpecs[key.spec].materialBytes)
    const mark = { actor: change.actor.id, now: change.now, reason: undefined }
    const rotated = await rotate(change.set, key, { version, epoch: change.keyring.epoch, material, mark })
    change.subject(rotated)
    return describeKeyRow(rotated)
  },
}
