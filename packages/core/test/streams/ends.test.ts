import { beforeEach, describe, expect, it } from 'vitest'
import { AbortedError, type AuditRecord, type ByteTransform, type CallOptions } from '../../src/index.ts'
import { actor, expectCode, makeGate, makeWorld, moving, settle, turns, type World } from '../support/kms.ts'
import { begun, endsOf, pattern, through, told } from '../support/streams.ts'

let world: World
let before: number

beforeEach(async () => {
  world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  before = await world.db.size()
})

const records = async (): Promise<AuditRecord[]> => world.db.records('default', before)
const encrypting = (options?: CallOptions): ByteTransform => world.kms.encryptStream({ key: 'k' }, options)

describe('the records of a stream', () => {
  it('are one when it opens and one at its end, which belong together', async () => {
    const message = await through(world.kms.encryptStream({ key: 'k' }, { requestId: 'req' }), [pattern(20_000)])
    const [opened, ended, ...others] = await records()
    expect(others).toEqual([])
    expect(opened).toMatchObject({ action: 'encrypt', status: 'SUCCESS', keyVersion: 1, requestId: 'req' })
    expect(ended).toMatchObject({ action: 'encrypt', status: 'SUCCESS', keyVersion: 1, requestId: 'req' })
    const stream = opened?.details?.['stream']
    expect(stream).toMatch(/^[0-9a-f-]{36}$/)
    expect(opened?.details).toEqual({ stream, streamPart: 'opened' })
    expect(ended?.details).toEqual({ stream, streamPart: 'ended', bytesIn: 20_000, bytesOut: message.length })
  })

  it('are none for one that nobody has written to', async () => {
    world.kms.encryptStream({ key: 'k' })
    const { reader } = endsOf(world.kms.decryptStream())
    await reader.cancel()
    expect(await records()).toEqual([])
  })

  it('are durable before the first byte, and before the last', async () => {
    const gate = makeGate()
    const kms = await world.again({}, gate.hook)
    gate.shut()
    const { writer, reader } = endsOf(kms.encryptStream({ key: 'k' }))
    let seen = 0
    const reading = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value.length
    })()
    const writing = writer.write(pattern(20_000))
    await turns()
    expect(seen).toBe(0)
    gate.open()
    await writing
    await turns()
    expect(seen).toBe(184 + 16_400)
    gate.shut()
    const closing = writer.close()
    await turns()
    expect(seen).toBe(184 + 16_400)
    gate.open()
    await Promise.all([closing, reading])
    expect(seen).toBe(184 + 16_400 + 20_000 - 16_384 + 16)
  })

  it('that cannot be written end it without its last bytes', async () => {
    const gate = makeGate()
    const kms = await world.again({}, gate.hook)
    const { writer, reader } = endsOf(kms.encryptStream({ key: 'k' }))
    void settle(writer.write(pattern(100)))
    expect((await reader.read()).value).toHaveLength(184)
    gate.shut()
    void settle(writer.close())
    await moving(world.clock, expectCode(reader.read(), 'AUDIT_UNAVAILABLE'))
    await expectCode(reader.read(), 'AUDIT_UNAVAILABLE')
    gate.open()
  })
})

describe('what may not be', () => {
  it('is denied before the first byte, with one record', async () => {
    const app = actor(world.kms, 'app')
    await expectCode(through(app.encryptStream({ key: 'k' }), ['x']), 'ACCESS_DENIED')
    const { ciphertext } = await world.kms.encrypt({ key: 'k', plaintext: 'x' })
    await expectCode(through(app.decryptStream(), [ciphertext]), 'ACCESS_DENIED')
    expect((await records()).map(({ action, status }) => [action, status])).toEqual([
      ['encrypt', 'DENIED'],
      ['encrypt', 'SUCCESS'],
      ['decrypt', 'DENIED'],
    ])
  })

  it('is decided with the encryption context, at both ends', async () => {
    const app = actor(world.kms, 'app')
    const constraints = { contextSubset: { table: 'a' } }
    await world.kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'], constraints })
    await through(app.encryptStream({ key: 'k', context: { table: 'a', row: '1' } }), ['x'])
    await expectCode(through(app.encryptStream({ key: 'k', context: { table: 'b' } }), ['x']), 'ACCESS_DENIED')
  })

  it('is thrown at once where the request is wrong, and not recorded', async () => {
    expect(() => world.kms.encryptStream({ key: '' })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    expect(() => world.kms.decryptStream({ wrong: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    )
    expect(() => world.kms.encryptStream({ key: 'k' }, { requestId: '' })).toThrow('requestId')
    expect(await records()).toEqual([])
  })

  it('is a key pair', async () => {
    await world.kms.keys.create({ name: 'rsa', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
    await expectCode(through(world.kms.encryptStream({ key: 'rsa' }), ['x']), 'INVALID_KEY_USAGE')
    await expectCode(through(world.kms.decryptStream({ key: 'rsa' }), [pattern(300)]), 'INVALID_KEY_USAGE')
  })

  it('is anything but bytes, which ends the stream', async () => {
    const { writer, reader } = await begun(encrypting())
    void settle(writer.write('text' as never))
    await reader.read()
    await expectCode(reader.read(), 'INVALID_REQUEST')
    expect(told(await records())).toEqual([
      ['opened', 'SUCCESS'],
      ['ended', 'INVALID_REQUEST'],
    ])
  })
})

describe('authority that ends while a stream is open', () => {
  it('by a grant that is revoked ends the stream, and it is recorded as denied', async () => {
    const app = actor(world.kms, 'app')
    const { id } = await world.kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'] })
    before = await world.db.size()
    const { writer, reader } = await begun(app.encryptStream({ key: 'k' }))
    await reader.read()
    await world.kms.grants.revoke({ grant: id })
    void settle(writer.write(pattern(20_000)))
    await expectCode(reader.read(), 'ACCESS_DENIED')
    expect((await records()).map(({ action, status }) => [action, status])).toEqual([
      ['encrypt', 'SUCCESS'],
      ['revokeGrant', 'SUCCESS'],
      ['encrypt', 'DENIED'],
    ])
  })

  it('in another process ends it at its end, without its last bytes', async () => {
    const { ciphertext } = await world.kms.encrypt({ key: 'k', plaintext: pattern(20_000) })
    const other = await world.again()
    const { writer, reader } = endsOf(world.kms.decryptStream())
    void settle(writer.write(ciphertext))
    expect((await reader.read()).value).toHaveLength(16_384)
    await other.keys.disable({ key: 'k' })
    void settle(writer.close())
    await expectCode(reader.read(), 'INVALID_KEY_STATE')
    expect(told(await records()).at(-1)).toEqual(['ended', 'INVALID_KEY_STATE'])
  })

  it('by its expiry ends it', async () => {
    const app = actor(world.kms, 'app')
    const expiresAt = new Date(world.clock.now() + 1000)
    await world.kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'], expiresAt } as never)
    const { writer, reader } = await begun(app.encryptStream({ key: 'k' }))
    await reader.read()
    world.clock.advance(1000)
    void settle(writer.close())
    await expectCode(reader.read(), 'ACCESS_DENIED')
  })

  it('C46 is not ended by a rotation: the stream completes with its version, and decrypts later', async () => {
    const { writer, reader, first } = await begun(encrypting())
    await world.kms.keys.rotate({ key: 'k' })
    const closing = writer.close()
    const message: Uint8Array[] = [first]
    for (let part = await reader.read(); !part.done; part = await reader.read()) message.push(part.value)
    await closing
    const { plaintext, keyVersion } = await world.kms.decrypt({ ciphertext: Buffer.concat(message) })
    expect([plaintext.equals(pattern(20_000)), keyVersion]).toEqual([true, 1])
    expect((await records()).at(-2)).toMatchObject({ action: 'encrypt', status: 'SUCCESS', keyVersion: 1 })
  })
})

describe('a stream ends', () => {
  it('by its signal, before it is written to and after', async () => {
    const control = new AbortController()
    const early = endsOf(world.kms.encryptStream({ key: 'k' }, { signal: AbortSignal.abort('never') }))
    expect(await expectCode(early.reader.read(), 'ABORTED')).toMatchObject({ cause: 'never' })
    const { writer, reader } = await begun(
      world.kms.encryptStream({ key: 'k' }, { signal: control.signal, requestId: 'req' }),
    )
    await reader.read()
    const reading = reader.read()
    control.abort('enough')
    const error = await expectCode(reading, 'ABORTED')
    expect(error).toBeInstanceOf(AbortedError)
    expect(error).toMatchObject({ cause: 'enough', requestId: 'req' })
    await expectCode(writer.write(pattern(1)), 'ABORTED')
    await turns()
    expect(told(await records())).toEqual([
      ['opened', 'SUCCESS'],
      ['ended', 'ABORTED'],
    ])
  })

  it('I121 with CLOSED when the KMS is closed, which is recorded before that is done', async () => {
    const { writer, reader } = await begun(encrypting())
    await reader.read()
    const unused = endsOf(world.kms.encryptStream({ key: 'k' }))
    await world.kms.close()
    await expectCode(reader.read(), 'CLOSED')
    await expectCode(writer.write(pattern(1)), 'CLOSED')
    await expectCode(unused.reader.read(), 'CLOSED')
    expect(told(await records())).toEqual([
      ['opened', 'SUCCESS'],
      ['ended', 'CLOSED'],
    ])
  })

  it('I121 with the KMS of its tenant, and not with that of another', async () => {
    const blue = await world.kms.tenants.ensure('blue')
    const again = await world.kms.tenants.ensure('blue')
    await blue.keys.create({ name: 'k', spec: 'AES_256' })
    const [one, two, other] = [
      await begun(blue.encryptStream({ key: 'k' })),
      await begun(again.encryptStream({ key: 'k' })),
      await begun(encrypting()),
    ]
    for (const { reader } of [one, two, other]) await reader.read()
    await blue.close()
    await expectCode(one.reader.read(), 'CLOSED')
    for (const { writer, reader } of [two, other]) {
      const closing = writer.close()
      expect((await reader.read()).done).toBe(false)
      await closing
    }
    expect(() => blue.encryptStream({ key: 'k' })).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})
