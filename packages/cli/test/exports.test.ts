import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, expect, test } from 'vitest'
import { exitCodes } from '../src/index.ts'
import { said } from './said.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'chatelaine-cli-'))
const file = (name: string): string => path.join(dir, name)

afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('verifies what was exported after the key of the log was rotated by the first key, and by the newest', async () => {
  const rootKey = localRootKey(generateRootKey())
  const rotated = await createKms({ storage: memoryStorage(), rootKey, auditOrigin: 'example.com/log' })
  const first = (await rotated.audit.verifierKey()).verifierKey
  const draw = async (): Promise<unknown> => rotated.generateRandom({ numberOfBytes: 1 })
  await Promise.all(Array.from({ length: 300 }, draw))
  const { verifierKey } = await rotated.audit.rotateKey()
  await draw()
  await rotated.audit.export({ dir: file('rotated'), segmentRecords: 256 })
  await rotated.audit.exportTiles({ dir: file('rotated-tiles') })
  for (const folder of ['rotated', 'rotated/segments/000000000000.jsonl', 'rotated-tiles']) {
    for (const one of [first, verifierKey]) {
      expect([folder, (await said(['verify', file(folder), '--key', one])).out]).toEqual([
        folder,
        expect.stringMatching(/^verified/),
      ])
    }
  }
  await rotated.close()
})

test('takes no bytes that are no text for the text of a record', async () => {
  const rootKey = localRootKey(generateRootKey())
  const odd = await createKms({ storage: memoryStorage(), rootKey, auditOrigin: 'example.com/log' })
  const { verifierKey } = await odd.audit.verifierKey()
  await odd.generateRandom({ numberOfBytes: 1 }, { requestId: 'a\ufffdb' })
  await odd.audit.exportTiles({ dir: file('odd') })
  const { proof, record = '' } = await odd.audit.inclusionProof({ seq: 2 })
  await odd.close()
  writeFileSync(file('odd-proof'), proof)
  const entries = file('odd/tile/entries/000.p/3')
  const alter = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf('\ufffd')
    expect(at).toBeGreaterThan(0)
    return Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at + 3)])
  }
  const verifyBoth = async (): Promise<number[]> => {
    const found = await said(['verify', file('odd-proof'), '--record', file('odd-record'), '--key', verifierKey])
    return [found.code, (await said(['verify', file('odd'), '--key', verifierKey])).code]
  }
  writeFileSync(file('odd-record'), record)
  expect(await verifyBoth()).toEqual([exitCodes.ok, exitCodes.ok])
  writeFileSync(file('odd-record'), alter(Buffer.from(record)))
  const bundle = readFileSync(entries)
  const at = bundle.indexOf(record) - 2
  bundle.writeUInt16BE(bundle.readUInt16BE(at) - 2, at)
  writeFileSync(entries, alter(bundle))
  expect(await verifyBoth()).toEqual([exitCodes.notVerified, exitCodes.notVerified])
})
