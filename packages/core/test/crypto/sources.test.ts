import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const source = path.join(import.meta.dirname, '../../src')
const files = globSync('**/*.ts', { cwd: source }).map((name) => ({
  name: name.replaceAll(path.sep, '/'),
  text: readFileSync(path.join(source, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ''),
}))

/** The text of every call of a function, from its name to the parenthesis that ends it. */
function callsOf(name: string, text: string): string[] {
  return [...text.matchAll(new RegExp(`\\b${name}\\(`, 'g'))].map(({ index }) => {
    let depth = 0
    for (let at = index; at < text.length; at++) {
      if (text[at] === '(') depth++
      if (text[at] === ')' && --depth === 0) return text.slice(index, at + 1)
    }
    return text.slice(index)
  })
}

describe('the sources', () => {
  it('A21 give every cipher the length of its tag', () => {
    const inFiles = (some: typeof files): string[] =>
      some.flatMap(({ text }) => ['createCipheriv', 'createDecipheriv'].flatMap((name) => callsOf(name, text)))
    const calls = inFiles(files.filter(({ name }) => name !== 'crypto/key-wrapping.ts'))
    expect(calls.length).toBeGreaterThanOrEqual(2)
    // AES-KWP has no tag, but an initial value (RFC 5649 section 3).
    const wrapping = files.filter(({ name }) => name === 'crypto/key-wrapping.ts')
    expect(new Set(inFiles(wrapping).map((call) => call.slice(call.indexOf('('))))).toEqual(
      new Set(['(cipher, key, initialValue)']),
    )
    expect(wrapping[0]?.text).toMatch(/const cipher = 'id-aes256-wrap-pad'\n/)
    for (const call of calls) expect(call).toMatch(/, (gcm|\{[^}]*authTagLength: [^}]*\})\)$/)
    const chunked = files.find(({ name }) => name === 'crypto/chunked-encryption.ts')?.text
    expect(chunked).toMatch(/const gcm = Object\.freeze\(\{ __proto__: null, authTagLength: tagBytes \}\)/)
    expect(chunked).toMatch(/tagBytes = 16\n/)
  })

  it('touch node:crypto in crypto/ and in what is for tests only', () => {
    const users = files
      .filter(({ text }) => /from 'node:crypto'|require\('(node:)?crypto'\)/.test(text))
      .map(({ name }) => name)
    expect(users.filter((name) => !name.startsWith('crypto/') && !name.startsWith('testing/'))).toEqual([])
  })

  it('name no cipher but AES-256-GCM, and AES-256-KWP for keys, and no hash but SHA-2, save SHA-1 for OAEP that others made', () => {
    const crypto = files
      .filter(({ name }) => name.startsWith('crypto/'))
      .map(({ text }) => text)
      .join('\n')
    const named = [...crypto.matchAll(/'((?:id-aes|aes|sha|md|des|rc|chacha|camellia|aria)[a-z0-9-]*)'/gi)].map(
      ([, name]) => name,
    )
    expect(new Set(named)).toEqual(
      new Set([
        'aes-256-gcm',
        'id-aes256-wrap-pad',
        'sha224',
        'sha256',
        'sha384',
        'sha512',
        'SHA-256',
        'sha1',
        'SHA-1',
      ]),
    )
    expect(crypto.match(/'sha-?1'/gi)).toHaveLength(4)
    expect(crypto).toContain("hash: 'sha1', webHash: 'SHA-1', hashBytes: 20, isForOldCiphertexts: true")
  })
})
