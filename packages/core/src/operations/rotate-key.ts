import { z } from 'zod'
import { InvalidRequestError } from '../errors.ts'
import { nextVersion, rotateKey as rotate } from '../keys/store.ts'
import type { ChangeOperation, MaterialPlan } from '../runtime.ts'
import type { KeyRow } from '../state/rows.ts'
import type { GivenMaterial } from '../crypto/fresh-material.ts'
import { keyReference } from './shared/fields.ts'
import { keyMaterial, withMaterial, type KeyMaterial } from './shared/key-material.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key to rotate. */
export interface RotateKeyRequest {
  /** The key: id or name. */
  readonly key: string
  /** The new version's material: for a key of origin `EXTERNAL`, and only for one. */
  readonly material?: KeyMaterial | undefined
}

const schema = z.strictObject({ key: keyReference, material: keyMaterial.optional() }).transform(withMaterial)

/** Makes a new version of a key current. Old ciphertexts keep opening; callers in other processes notice nothing. */
export const rotateKey: ChangeOperation<RotateKeyRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'rotateKey',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('rotateKey', request.key)
    const version = nextVersion(key)
    const wrapped = change.keyring.wrapFresh(key, version, await change.material(planOf(key, request.material)))
    const mark = { actor: change.actor.id, now: change.now, reason: undefined }
    const rotated = await rotate(change.set, key, { version, ...wrapped, mark })
    change.subject(rotated)
    return describeKeyRow(rotated)
  },
}

function planOf(key: KeyRow, given: GivenMaterial | undefined): MaterialPlan {
  if ((key.origin === 'EXTERNAL') === (given !== undefined)) return { spec: key.spec, given }
  throw new InvalidRequestError('material comes with the rotation of a key of origin EXTERNAL, and only of one')
}
