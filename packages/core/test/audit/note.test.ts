import { describe, expect, test } from 'vitest'
import { logKey, readCheckpoint, signCheckpoint, verifierKey } from '../../src/audit/checkpoint.ts'
import { keyId, parseNote, parseSignatures, parseVerifierKey, signersOf } from '../../src/audit/note.ts'
import { publicKeyOf, signEd25519, signingKey } from '../../src/crypto/ed25519.ts'

// The example of C2SP signed-note.
const exampleKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const example = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`
// The key of sum.golang.org, and a checkpoint of it: that of the example of C2SP tlog-checkpoint under its own name.
const sumKey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
const sumCheckpoint = `go.sum database tree
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`
const keys = (...texts: string[]) => texts.map((text) => parseVerifierKey(text)!)

describe('The examples of C2SP', () => {
  test('signed-note: the note is signed by the key', () => {
    const note = parseNote(example)!
    expect(note.text).toBe('This is an example message.\n')
    expect(signersOf(note, keys(exampleKey))?.map(({ name }) => name)).toEqual(['example.com/foo'])
  })

  test('tlog-checkpoint: the checkpoint is read, and signed by the key of its log', () => {
    const note = parseNote(sumCheckpoint)!
    expect(readCheckpoint(note)).toEqual({
      origin: 'go.sum database tree',
      size: 20_852_163,
      root: Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'),
    })
    expect(signersOf(note, keys(sumKey))).toHaveLength(1)
    expect(signersOf(note, keys(exampleKey))).toBeUndefined()
    expect(signersOf(parseNote(sumCheckpoint.replace('20852163', '20852164'))!, keys(sumKey))).toBeUndefined()
  })
})

describe('A note', () => {
  const key = signingKey(Buffer.alloc(32, 1))
  const origin = 'example.com/log'
  const known = logKey(origin, publicKeyOf(key))
  const note = signCheckpoint({ origin, size: 5, root: Buffer.alloc(32, 7) }, key)

  test('may have empty lines in its text: the last one separates', () => {
    const text = 'a\n\nb\n'
    const signature = Buffer.concat([Buffer.from(known.id, 'hex'), signEd25519(key, Buffer.from(text))])
    const parsed = parseNote(`${text}\n— ${origin} ${signature.toString('base64')}\n`)!
    expect(parsed.text).toBe(text)
    expect(signersOf(parsed, [known])).toEqual([known])
  })

  test('is signed by two keys where one gives way to another', () => {
    const other = signingKey(Buffer.alloc(32, 2))
    const both = parseNote(signCheckpoint({ origin, size: 5, root: Buffer.alloc(32, 7) }, key, other))!
    expect(signersOf(both, [known, logKey(origin, publicKeyOf(other))])).toHaveLength(2)
    expect(signersOf(both, [known])).toHaveLength(1)
  })

  test('E81 may have 64 signatures, and no more', () => {
    const line = `— w ${Buffer.alloc(68, 3).toString('base64')}\n`
    expect(signersOf(parseNote(note + line.repeat(63))!, [known])).toEqual([known])
    expect(parseNote(note + line.repeat(64))).toBeUndefined()
  })

  test.each([
    ['a control character', note.replace('5', '\u0001')],
    ['a tabulator', note.replace('5', '\t')],
    ['a lone surrogate', note.replace('5', '\ud800')],
    ['no signature', note.slice(0, note.indexOf('—'))],
    ['a signature without a name', note.replace(`— ${origin}`, '— ')],
    ['a name with a plus', note.replace(`— ${origin}`, '— a+b')],
    ['a name with a wide space', note.replace(`— ${origin}`, '— a\u3000b')],
    ['a word too many', note.replace(/\n$/, ' x\n')],
    ['base64 that is not canonical', note.replace(/=\n$/, '\n')],
    ['a signature of four bytes', `x\n\n— w ${Buffer.alloc(4).toString('base64')}\n`],
  ])('E81 with %s is none', (_, text) => {
    expect(parseNote(text)).toBeUndefined()
  })

  test('E88 may carry cosignatures, over text and time', () => {
    const name = 'witness.example/w1'
    const publicKey = publicKeyOf(key)
    const kindAndKey = Buffer.concat([Buffer.of(4), publicKey])
    const id = keyId(name, kindAndKey)
    const witness = parseVerifierKey(`${name}+${id}+${kindAndKey.toString('base64')}`)!
    expect(witness.kind).toBe('witness')
    const { text } = parseNote(note)!
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(1_679_315_147n)
    const signature = signEd25519(key, Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`))
    const line = (bytes: Buffer) => `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), bytes]).toString('base64')}\n`
    const good = line(Buffer.concat([time, signature]))
    expect(signersOf(parseNote(note + good)!, [witness])).toEqual([witness])
    expect(parseSignatures(good)).toHaveLength(1)
    time.writeBigUInt64BE(1_679_315_148n)
    expect(signersOf(parseNote(note + line(Buffer.concat([time, signature])))!, [witness])).toBeUndefined()
    expect(signersOf(parseNote(note + line(signature))!, [witness])).toBeUndefined()
  })
})

describe('A verifier key', () => {
  const publicKey = publicKeyOf(signingKey(Buffer.alloc(32, 1)))
  const text = verifierKey('example.com/log', publicKey)

  test('is read as it is written', () => {
    expect(parseVerifierKey(text)).toEqual(logKey('example.com/log', publicKey))
  })

  test.each([
    ['nothing', ''],
    ['without a name', text.slice('example.com/log'.length)],
    ['with another name', `x${text}`],
    ['with another id', text.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['with an id in capitals', text.toUpperCase()],
    ['with a key that is too short', text.slice(0, -4)],
    ['with something after it', `${text}A`],
    ['of an unknown kind', verifierKey('a', publicKey).replace('+A', '+C')],
    ['very long', `${'x'.repeat(2000)}${text}`],
  ])('%s is none', (_, key) => {
    expect(parseVerifierKey(key)).toBeUndefined()
  })
})
