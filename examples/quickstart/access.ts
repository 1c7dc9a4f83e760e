import { isKmsError, type KmsClient } from '@chatelaine/core'
import type { House } from './house.ts'
import { expect } from './report.ts'
import type { Stored } from './values.ts'

/** What a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'nothing'
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}

/** Reads as somebody else. */
async function read(client: KmsClient, { ciphertext, field: { context } }: Stored): Promise<string> {
  return client.decryptText({ ciphertext, context })
}

/** Somebody without a grant, and a value that was copied into another row. */
export async function refuse({ report, kms, key }: House, stored: readonly Stored[]): Promise<void> {
  await report.step('refuse', async (say) => {
    const [first] = stored as [Stored]
    const stranger = await refusal(read(kms.as('mallory'), first))
    expect(stranger === 'ACCESS_DENIED', 'a principal without a grant is refused')
    say(`mallory, who has no grant, reads a value: ${stranger}`)
    const other = stored.at(-1)?.field.context ?? {}
    const moved = await refusal(key.decrypt(first.ciphertext, { context: other }))
    expect(moved === 'INVALID_CIPHERTEXT', 'a value does not open in another place')
    say(`a value copied into another row and column, read there: ${moved}`)
  })
}

/** A grant for one column: made, used, and taken back. */
export async function giveAndTakeBack({ report, kms, customers }: House, stored: readonly Stored[]): Promise<void> {
  const billing = kms.as('billing')
  const [first] = stored as [Stored]
  const { table, field } = first.field.context as { table: string; field: string }
  const other = stored.find((value) => value.field.context['field'] !== field)
  const grant = await report.step('grant', async (say) => {
    const made = await kms.grants.create({
      principal: 'billing',
      key: 'customers',
      operations: ['decrypt'],
      constraints: { contextSubset: { table, field } },
    })
    expect((await read(billing, first)) === first.field.text, 'a grant lets its principal read')
    say(`billing may decrypt ${table}.${field}, and reads it`)
    if (other === undefined) return made
    const refused = await refusal(read(billing, other))
    expect(refused === 'ACCESS_DENIED', 'a grant covers nothing else')
    say(`billing reads ${customers.columns.find((name) => name !== field)}: ${refused}`)
    return made
  })
  await report.step('revoke', async (say) => {
    await kms.grants.revoke({ grant: grant.id, reason: 'end of the demonstration' })
    const refused = await refusal(read(billing, first))
    expect(refused === 'ACCESS_DENIED', 'a revoked grant covers nothing')
    say(`grant taken back; the very next read by billing: ${refused}`)
  })
}
