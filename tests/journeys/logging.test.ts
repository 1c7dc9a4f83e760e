import { Writable } from 'node:stream'
import { createKms, isKmsError, localRootKey, type Kms } from '@chatelaine/core'
import { fakeClock, seededRandomness } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'
import pino from 'pino'
import { describe, expect, test } from 'vitest'

const secret = 'canary-in-the-plaintext'
const value = 'canary-in-the-context'
const rootKey = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'

interface Line {
  readonly level: number
  readonly msg: string
  readonly kms: Readonly<Record<string, string | number>>
}

/** A KMS that logs through pino, and the lines that were written so far, as texts. */
async function logged(
  level: string,
): Promise<{ kms: Kms; texts: string[]; lines: () => Line[]; made: () => string[] }> {
  const texts: string[] = []
  const write = (chunk: Buffer, _: unknown, done: () => void): void => {
    texts.push(chunk.toString('utf8'))
    done()
  }
  const seeded = seededRandomness('logging')
  const made: Buffer[] = []
  const fill = (bytes: Uint8Array): void => {
    seeded.fill(bytes)
    if (bytes.byteLength >= 16) made.push(Buffer.from(bytes))
  }
  const kms = await createKms({
    storage: memoryStorage(),
    rootKey: localRootKey(rootKey),
    clock: fakeClock(),
    random: { fill, uuid: seeded.uuid },
    logger: pino({ level }, new Writable({ write })),
  })
  const lines = (): Line[] => texts.map((text) => JSON.parse(text) as Line)
  const forms = (): string[] => made.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64url')])
  return { kms, texts, lines, made: forms }
}

/** What goes well and what does not, with secrets in every place that takes one. */
async function work(kms: Kms): Promise<void> {
  const context = { owner: value }
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: secret, context }, { requestId: 'r\n"1' })
  const dataKey = await kms.generateDataKey({ key: 'k', context })
  const asked = [
    kms.decrypt({ ciphertext, context }),
    kms.decrypt({ ciphertext, context: { owner: `${value}!` } }),
    kms.decryptDataKey({ ciphertext: dataKey.ciphertext, context }),
    kms.as('eve').decrypt({ ciphertext, context }),
    kms.encrypt({ key: secret, plaintext: secret, context }),
    kms.encrypt({ key: 'k', plaintext: { secret } as never }),
    kms.encryptMany({ items: [{ key: 'k', plaintext: secret, context, reference: secret }] }),
    kms.keys.rotate({ key: 'k' }),
    kms.keys.disable({ key: 'k', reason: secret }),
  ]
  for (const outcome of await Promise.allSettled(asked)) {
    if (outcome.status === 'rejected') expect(isKmsError(outcome.reason)).toBe(true)
  }
  await kms.close()
}

describe('pino as the logger', () => {
  test('gets a line for each record, at the level that it deserves, with its fields below one name', async () => {
    const { kms, lines } = await logged('debug')
    await work(kms)
    const found = lines().map(({ level, msg, kms: { action = '' } }) => `${level} ${msg} ${String(action)}`.trimEnd())
    expect(found.toSorted()).toEqual(
      [
        '30 opened',
        '30 changed createKey',
        '20 recorded encrypt',
        '20 recorded generateDataKey',
        '20 recorded decrypt',
        '30 failed decrypt',
        '20 recorded decryptDataKey',
        '40 denied decrypt',
        '30 failed encrypt',
        '20 recorded encrypt',
        '30 key rotated rotateKey',
        '30 changed disableKey',
        '30 closed',
      ].toSorted(),
    )
    expect(lines().find(({ kms: { requestId } }) => requestId === 'r\n"1')).toMatchObject({
      kms: { tenant: 'default', principal: 'owner', status: 'SUCCESS', action: 'encrypt', keyVersion: 1 },
    })
  })

  test('E76 what a caller says is one string on one line', async () => {
    const { kms, texts } = await logged('debug')
    await work(kms)
    for (const text of texts) expect(text.trimEnd()).not.toContain('\n')
  })

  test('at another level gets no line below it', async () => {
    const { kms, lines } = await logged('warn')
    await work(kms)
    expect(lines().map(({ msg }) => msg)).toEqual(['denied'])
  })

  test('E77 gets no plaintext, no context, no reason of a caller, no key and nothing that one was made of', async () => {
    const { kms, texts, made } = await logged('trace')
    await work(kms)
    const all = texts.join('')
    expect(texts.length).toBeGreaterThan(10)
    expect(made().length).toBeGreaterThan(10)
    for (const canary of [secret, value, rootKey, ...made()]) expect(all).not.toContain(canary)
  })
})
