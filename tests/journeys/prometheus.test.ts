import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import type { Row } from '@chatelaine/core/storage'
import parse from 'parse-prometheus-text-format'
import { beforeEach, describe, expect, test } from 'vitest'
import { sharedMemory } from '../support/shared-memory.ts'

const connect = sharedMemory()
let memory: ReturnType<typeof connect>
let kms: Kms
beforeEach(async () => {
  memory = sharedMemory()()
  kms = await createKms({ storage: memory, rootKey: localRootKey(generateRootKey()) })
})

async function work(): Promise<void> {
  await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'device "7"\n\\' })
  await kms.keys.create({ name: 'off', spec: 'AES_256' })
  await kms.keys.disable({ key: 'off' })
  await Promise.all(Array.from({ length: 70 }, async () => kms.encrypt({ key: 'k', plaintext: '1' })))
  await kms.encryptMany({ items: [1, 2, 3].map((index) => ({ key: index < 3 ? 'k' : 'none', plaintext: '1' })) })
  const denied = kms.as('eve').encrypt({ key: 'k', plaintext: '1' })
  await expect(denied).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  await kms.audit.verify()
}

/** Values of a family, by their labels. */
function valuesOf(text: string, name: string): Record<string, number> {
  const family = parse(text).find((one) => one.name === name)
  return Object.fromEntries((family?.metrics ?? []).map(({ labels, value }) => [nameOf(labels ?? {}), Number(value)]))
}

function nameOf({ tenant, ...labels }: Readonly<Record<string, string>>): string {
  expect(tenant).toBe('default')
  return Object.values(labels).join(' ')
}

describe('S0-47 ops.prometheus', () => {
  test('is read by another parser, and says what was done', async () => {
    await work()
    const text = await kms.ops.prometheus()
    for (const { name, help, type } of parse(text)) {
      expect([name, help.length > 10, /^(COUNTER|GAUGE|HISTOGRAM)$/.test(type)]).toEqual([name, true, true])
    }
    expect(valuesOf(text, 'chatelaine_operations_total')).toMatchObject({
      'encrypt success': 71,
      'encrypt denied': 1,
      'createKey success': 2,
      'verifyAudit success': 1,
    })
    expect(valuesOf(text, 'chatelaine_operation_items_total')).toMatchObject({ 'encrypt success': 72 })
    expect(valuesOf(text, 'chatelaine_keys')).toMatchObject({ Enabled: 1, Disabled: 1, Destroyed: 0 })
    expect(valuesOf(text, 'chatelaine_last_verification_ok')).toEqual({ '': 1 })
    const { size } = (await kms.ops.health()).chain!
    expect(valuesOf(await kms.ops.prometheus(), 'chatelaine_audit_records_total')).toEqual({ '': size + 1 })
    expect(text).not.toContain('device')
  })

  test('has histograms whose buckets rise to their count', async () => {
    await work()
    const name = 'chatelaine_operation_duration_seconds'
    // The parser takes histograms without labels only: the one of an operation, with its other labels taken away.
    const lines = (await kms.ops.prometheus()).split('\n').filter((line) => line.includes(name))
    const own = lines.filter((line) => line.startsWith('#') || line.includes('operation="encrypt"'))
    const text = own
      .map((line) => line.replace(/tenant="default",operation="encrypt",?/, '').replace('{}', ''))
      .join('\n')
    const encrypt = parse(`${text}\n`)[0]?.metrics[0]
    const buckets = Object.entries(encrypt?.buckets ?? {}).map(
      ([le, count]) => [Number(le.replace('+Inf', 'Infinity')), Number(count)] as const,
    )
    expect(buckets.length).toBe(13)
    const counts = buckets.toSorted(([a], [b]) => a - b).map(([, count]) => count)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
    expect([counts.at(-1), Number(encrypt?.count)]).toEqual([73, 73])
    expect(Number(encrypt?.sum)).toBeGreaterThanOrEqual(0)
  })

  test('never counts back, through hours and processes', async () => {
    let before = 0
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 40 }, async () => kms.generateRandom({ numberOfBytes: 1 })))
      const now = valuesOf(await kms.ops.prometheus(), 'chatelaine_operations_total')['generateRandom success']!
      expect(now).toBe(before + 40)
      before = now
    }
  })

  test('E76 keeps what somebody wrote into the database in its quotes, and bounded', async () => {
    await work()
    const evil = 'x"} 1\nevil{a="\\'
    const newest = await memory.snapshot(async (view) =>
      view.range('usage', { index: 'by_end', prefix: ['default', 'totals'], order: 'desc', limit: 1 }),
    )
    const row = newest[0] as Row
    const numbers = `[${Array.from({ length: 21 }, () => 1).join(',')}]`
    const many = Array.from({ length: 5000 }, (_, index) => `${JSON.stringify(`made up ${index}`)}:${numbers}`)
    const { standing } = JSON.parse(row['standing'] as string) as { standing: unknown }
    const text = `{"standing":${JSON.stringify(standing)},"total":{${JSON.stringify(evil)}:${numbers},${many.join(',')}}}`
    await memory.transact('default', async (tx) => {
      await tx.remove('usage', ['default', 'totals', row['level']!, row['toSeq']!])
      await tx.append('usage', [{ ...row, standing: text }])
    })
    const shown = await kms.ops.prometheus()
    const operations = valuesOf(shown, 'chatelaine_operations_total')
    expect(operations[`${evil} success`]).toBe(1)
    expect(Object.keys(operations)).toHaveLength(200 * 3)
    expect(parse(shown).map(({ name }) => name)).not.toContain('evil')
  })
})
