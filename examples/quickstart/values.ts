import type { ManyItem } from '@chatelaine/core'
import { writeProtected, type Field } from './customers.ts'
import type { House } from './house.ts'
import { expect, short } from './report.ts'

/** A stored value with the field that it belongs to. */
export interface Stored {
  readonly field: Field
  readonly ciphertext: string
}

const together = 256

/** The entries in groups that one call, or one breath, takes. */
function* groupsOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += together) yield items.slice(at, at + together)
}

/** Encrypts every value in a call of its own, many at a time: their audit records share commits. */
export async function encryptAll({ report, customers, key, folder }: House): Promise<Stored[]> {
  return report.step('encrypt', async (say) => {
    const startedAt = performance.now()
    const stored: Stored[] = []
    for (const group of groupsOf(customers.fields)) {
      const made = group.map(async (field) => {
        const { context } = field
        return { field, ciphertext: await key.encryptText(field.text, { context }) }
      })
      stored.push(...(await Promise.all(made)))
    }
    const each = ((performance.now() - startedAt) / stored.length) * 1000
    say(
      `${stored.length} values of ${customers.columns.join(', ')}, each with an audit record: ${each.toFixed(0)} us each`,
    )
    const [first] = stored as [Stored]
    say(`${first.field.text}  ->  ${short(first.ciphertext, 16)}`)
    say(`bound to ${JSON.stringify(first.field.context)}`)
    const ciphertexts = stored.map(({ ciphertext }) => ciphertext)
    say(`stored in ${writeProtected(folder, customers, ciphertexts)}, where the clear texts were`)
    return stored
  })
}

/** Makes a new version of the key. */
export async function rotate({ report, key }: House): Promise<void> {
  await report.step('rotate', async (say) => {
    const { currentVersion } = await key.rotate()
    expect(currentVersion === 2, 'a key rotated once is at version 2')
    say('version 2 of the key encrypts from now on; version 1 still decrypts')
  })
}

/** Decrypts a value of before the rotation, and one of after. */
export async function readOldAndNew({ report, key }: House, stored: readonly Stored[]): Promise<void> {
  await report.step('read', async (say) => {
    const [{ field, ciphertext }] = stored as [Stored]
    const { context } = field
    const fresh = await key.encrypt(field.text, { context })
    const versions: number[] = []
    for (const message of [ciphertext, fresh.ciphertext]) {
      const { plaintext, keyVersion } = await key.decrypt(message, { context })
      expect(plaintext.toString() === field.text, 'a value reads as it was written')
      versions.push(keyVersion)
    }
    expect(versions.join() === '1,2', 'old and new values name versions 1 and 2')
    say('an old value opens with version 1, a new one with version 2')
  })
}

/** Puts every value under the new version, and reads all of them back. */
export async function reEncryptAll({ report, kms, key }: House, stored: readonly Stored[]): Promise<Stored[]> {
  return report.step('re-encrypt', async (say) => {
    const moved: Stored[] = []
    let equal = 0
    for (const group of groupsOf(stored)) {
      const items = group.map(({ ciphertext, field: { context } }) => ({ ciphertext, context }))
      const done = (await kms.reEncryptMany({ items })).items.map(successful)
      expect(
        done.every(({ keyVersion }) => keyVersion === 2),
        'a re-encrypted value is at version 2',
      )
      const next = done.map(({ ciphertext }, at) => ({ context: items[at]?.context, ciphertext }))
      const opened = (await key.decryptMany(next)).items.map(successful)
      equal += opened.filter(({ plaintext }, at) => plaintext.toString() === group[at]?.field.text).length
      const texts = done.map(({ ciphertext }) => ciphertext.toString('base64url'))
      moved.push(...group.map(({ field }, at) => ({ field, ciphertext: texts[at] ?? '' })))
    }
    expect(equal === stored.length, 'every re-encrypted value reads as before')
    say(`${moved.length} values moved to version 2, in batches; all of them read back equal`)
    return moved
  })
}

function successful<R>(item: ManyItem<R>): R {
  if (!item.ok) throw item.error
  return item
}
