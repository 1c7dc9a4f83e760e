import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createKms, fileHighWaterMark, localRootKey, type HighWaterMark, type Kms, type Mark } from '../../src/index.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-mark-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const shelf = new Shelf()
const open = async (highWaterMark: HighWaterMark): Promise<Kms> =>
  createKms({ storage: shelf.adapter(), rootKey: localRootKey(rootKeyText), highWaterMark })

describe('a mark in a file', () => {
  const at = (name: string): string => path.join(folder, name)
  const markOf = (size: number, checkpoint = `note ${size}`): Mark => ({
    size,
    revision: 0,
    epoch: 1,
    headHash: '00'.repeat(32),
    checkpoint,
  })

  test('is never replaced by a smaller one, whoever writes at the same time; only what was accepted is', async () => {
    const file = at('many.mark')
    const processes = Array.from({ length: 4 }, () => fileHighWaterMark(file))
    const sizes = Array.from({ length: 40 }, (_, index) => (index * 17) % 41)
    await Promise.all(
      sizes.map(async (size, index) =>
        processes[index % 4]?.advance(index % 3 === 0 ? 'acme' : 'default', markOf(size)),
      ),
    )
    const largest = Math.max(...sizes.filter((_, index) => index % 3 !== 0))
    const one = fileHighWaterMark(file)
    expect(await one.read('default')).toEqual(markOf(largest))
    expect(await one.read('nobody')).toBeUndefined()
    expect(await one.advance('default', markOf(3))).toEqual(markOf(largest))
    expect(await one.advance('default', markOf(3), markOf(3))).toEqual(markOf(largest))
    expect(await one.advance('default', markOf(3), markOf(largest))).toEqual(markOf(3))
    expect(await one.read('default')).toEqual(markOf(3))
    expect(readdirSync(folder).filter((name) => name.startsWith('many'))).toEqual(['many.mark'])
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test.each([
    ['on another machine', `1 not-${hostname()}`, 60_000],
    ['before it had said who it is', '', 60_000],
    ['on this machine', `${2 ** 22 + 1} ${hostname()}`, 0],
  ])('goes on where a process died with its lock %s', async (_, owner, age) => {
    const file = at('dead.mark')
    rmSync(file, { force: true })
    writeFileSync(`${file}.lock`, owner)
    const then = new Date(Date.now() - age)
    utimesSync(`${file}.lock`, then, then)
    expect(await fileHighWaterMark(file).advance('default', markOf(1))).toEqual(markOf(1))
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  test('waits less for a process that died before it had said who it is than for one of another machine', async () => {
    const then = new Date(Date.now() - 1000)
    const order: string[] = []
    const locks = { 'other.mark': `1 not-${hostname()}`, 'nobody.mark': '' }
    const writes = Object.entries(locks).map(async ([name, owner]) => {
      writeFileSync(`${at(name)}.lock`, owner)
      utimesSync(`${at(name)}.lock`, then, then)
      await fileHighWaterMark(at(name)).advance('default', markOf(1))
      order.push(name)
    })
    await Promise.all(writes)
    expect(order).toEqual(['nobody.mark', 'other.mark'])
  })

  test.each(['', '{', '{"v":2,"marks":{}}', '{"v":1,"marks":{"default":{"size":1}}}', 'null', '[]'])(
    'E81 that is %s is refused like a rollback, and not written over',
    async (text) => {
      const file = at('garbage.mark')
      writeFileSync(file, text)
      const one = fileHighWaterMark(file)
      expect(await codeOf(one.read('default'))).toBe('ROLLBACK_DETECTED')
      expect(await codeOf(one.advance('default', markOf(1)))).toBe('ROLLBACK_DETECTED')
      expect(readFileSync(file, 'utf8')).toBe(text)
    },
  )

  test('has a path, and a folder', async () => {
    for (const wrong of ['', 'a\0b', 7]) expect(() => fileHighWaterMark(wrong as never)).toThrowError(/path/)
    const nowhere = fileHighWaterMark(at('nowhere/x.mark'))
    expect(await nowhere.read('default')).toBeUndefined()
    await expect(nowhere.advance('default', markOf(1))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await codeOf(open(nowhere))).toBe('STORAGE_UNAVAILABLE')
  })

  test('fits what it was made of', async () => {
    const file = fileHighWaterMark(at('whole.mark'))
    const kms = await open(file)
    await kms.generateRandom({ numberOfBytes: 1 })
    await kms.close()
    await (await open(file)).close()
    expect((await file.read('default'))?.size).toBe(2)
  })
})
