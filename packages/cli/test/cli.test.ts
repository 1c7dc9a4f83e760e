import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exitCodes } from '../src/index.ts'
import { said, type Said } from './said.ts'

const dir = mkdtempSync(path.join(tmpdir(), 'chatelaine-cli-'))
const file = (name: string): string => path.join(dir, name)
const clock = fakeClock()
let kms: Kms
let key: string

beforeAll(async () => {
  const rootKey = localRootKey(generateRootKey())
  kms = await createKms({ storage: memoryStorage(), rootKey, clock, timers: clock, auditOrigin: 'example.com/log' })
  key = (await kms.audit.verifierKey()).verifierKey
  writeFileSync(file('older'), (await kms.audit.checkpoint()).checkpoint)
  const { size } = await kms.audit.checkpoint()
  writeFileSync(file('older'), (await kms.audit.checkpoint()).checkpoint)
  for (let i = 0; i < 3; i++) {
    await Promise.all(Array.from({ length: 200 }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    clock.advance(1000)
  }
  writeFileSync(file('growth'), (await kms.audit.consistencyProof({ from: size + 1 })).proof)
  const { proof, record } = await kms.audit.inclusionProof({ seq: 300 })
  writeFileSync(file('proof'), proof)
  writeFileSync(file('record'), `${record}\n`)
  await kms.audit.export({ dir: file('whole'), segmentRecords: 256 })
  await kms.audit.exportTiles({ dir: file('tiles') })
})
afterAll(async () => {
  await kms.close()
  rmSync(dir, { recursive: true, force: true })
})

describe('chatelaine verify', () => {
  test('verifies a folder of segments, and says what is in it', async () => {
    expect(await readdir(file('whole/segments'))).toHaveLength(3)
    const { code, out, err } = await said(['verify', file('whole'), '--key', key])
    expect([code, err]).toEqual([exitCodes.ok, ''])
    expect(out).toMatch(/^verified\n {2}\d+ records, 0 to \d+, of example.com\/log, tenant default\n/)
  })

  test('verifies a folder of C2SP tiles, a single segment, and standard input', async () => {
    expect((await said(['verify', file('tiles'), '--key', key])).code).toBe(0)
    const segment = file('whole/segments/000000000256.jsonl')
    expect((await said(['verify', segment, '--key', key])).out).toContain('256 records, 256 to 511')
    const stdin = readFileSync(segment, 'utf8')
    expect(await said(['verify', '-', '--key', key], { stdin })).toMatchObject({ code: 0 })
  })

  test('draws a bar where somebody looks, and only there', async () => {
    expect((await said(['verify', file('whole'), '--key', key], { tty: true })).err).toMatch(/ of \d+ records/)
    expect((await said(['verify', file('whole'), '--key', key])).err).toBe('')
  })

  test('verifies that a record stands in the log, whatever an editor did to its end', async () => {
    const { code, out } = await said(['verify', file('proof'), '--record', file('record'), '--key', key])
    expect([code, out]).toEqual([0, expect.stringContaining('the record stands at place 300')])
  })

  test('verifies that a log only grew, and a checkpoint alone', async () => {
    const { code, out } = await said(['verify', file('growth'), '--older', file('older'), '--key', key])
    expect([code, out]).toEqual([0, expect.stringContaining('the log only grew, from')])
    expect((await said(['verify', file('older'), '--key', key])).out).toContain('signed by example.com/log')
  })

  test.each<[string, () => Promise<Said>, RegExp]>([
    [
      'a record that was changed',
      async () => altered((text) => text.replace('"seq":300', '"seq":301')),
      /place of record 300 stands record 301\n {2}at record 300\n {2}Records were changed/,
    ],
    [
      'a record that is missing',
      async () => altered((text) => text.replace(/\n[^\n]*"seq":300[^\n]*\n/, '\n')),
      /record 300/,
    ],
    [
      'an actor that was changed',
      async () =>
        altered((text) => text.replace(/("seq":300.*)/, '$1').replace('"actor":"owner"', '"actor":"mallory"')),
      /does not follow the record before it/,
    ],
    ['an export that was cut', async () => altered((text) => text.slice(0, -500)), /cut off/],
    ['something else', async () => altered(() => '{"a":1}\n'), /line 1 is not of an export/],
    [
      'another key',
      async () => said(['verify', file('whole'), '--key', key.replace('example.com/log', 'example.com/lag')]),
      /is not an Ed25519 verifier key/,
    ],
    [
      'the key of another log',
      async () =>
        said([
          'verify',
          file('whole'),
          '--key',
          'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
        ]),
      /no given verifier key is of example.com\/log/,
    ],
    [
      'another record',
      async () => said(['verify', file('proof'), '--record', file('older'), '--key', key]),
      /does not stand at place 300/,
    ],
  ])('says of %s what is wrong, and ends with 1', async (_, ask, words) => {
    const { code, out } = await ask()
    expect([code, out]).toEqual([exitCodes.notVerified, expect.stringMatching(words)])
    expect(out).toMatch(/^NOT VERIFIED\n/)
  })

  test('E76 shows nothing that a terminal would obey', async () => {
    const { out } = await said(['verify', '-', '--key', `\u001b[31m\u202e${key}`], { stdin: 'x' })
    expect(out).toContain(String.raw`\u{1b}[31m\u{202e}`)
  })

  test('ends with 2 where it is not understood, and with 3 where nothing can be read', async () => {
    const wrong = [
      [],
      ['vrify'],
      ['verify'],
      ['verify', 'a'],
      ['verify', 'a', 'b', '--key', key],
      ['verify', '--what'],
      ['root-key', 'old'],
    ]
    for (const args of wrong) expect([args, (await said(args)).code]).toEqual([args, exitCodes.usage])
    for (const args of [
      ['--older', 'x'],
      ['--record', 'x'],
    ])
      expect((await said(['verify', file('whole'), '--key', key, ...args])).code).toBe(exitCodes.usage)
    expect((await said(['verify', file('proof'), '--key', key])).code).toBe(exitCodes.usage)
    const { code, err } = await said(['verify', file('absent'), '--key', key])
    expect([code, err]).toEqual([exitCodes.io, expect.stringContaining('absent')])
  })
})

/** What is said of the whole log as one segment, altered. */
async function altered(change: (text: string) => string): Promise<Said> {
  const stdin = change(readFileSync(file('whole/segments/000000000256.jsonl'), 'utf8'))
  return said(['verify', '-', '--key', key], { stdin })
}

describe('chatelaine root-key new', () => {
  test('makes a root key that can be used, each time another', async () => {
    const [first, second] = [await said(['root-key', 'new']), await said(['root-key', 'new'])]
    expect(first.out).not.toBe(second.out)
    expect(() => localRootKey(first.out.trim())).not.toThrow()
  })

  test('writes it into a file of its owner alone, and never over another', async () => {
    expect(await said(['root-key', 'new', '--out', file('root')])).toMatchObject({ code: 0, out: '' })
    expect(statSync(file('root')).mode & 0o777).toBe(0o600)
    const before = readFileSync(file('root'), 'utf8')
    expect((await said(['root-key', 'new', '--out', file('root')])).code).toBe(exitCodes.io)
    expect(readFileSync(file('root'), 'utf8')).toBe(before)
  })
})

test('chatelaine doctor and help say what there is', async () => {
  expect(await said(['doctor'])).toMatchObject({ code: 0, out: expect.stringMatching(/^ok {6}Node\.js/) })
  expect((await said(['help'])).out).toContain('Exit codes')
})

test('the program itself ends with the exit code', async () => {
  const bin = path.join(import.meta.dirname, '../src/bin.ts')
  const child = spawn(process.execPath, [bin, 'verify', file('older'), '--key', key], { stdio: 'ignore' })
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
})
