import { fc } from '@fast-check/vitest'

const edges = [0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 49_152]

/** Lengths of plaintexts: mostly where chunks begin and end, sometimes anything up to 1 MiB. */
export const lengths: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...edges) },
  { weight: 4, arbitrary: fc.nat(2000) },
  { weight: 1, arbitrary: fc.nat(100_000) },
  { weight: 1, arbitrary: fc.constantFrom(1_048_575, 1_048_576) },
)

/** Plaintexts of such lengths; what is in them depends on the seed. */
export const plaintexts: fc.Arbitrary<Buffer> = fc.tuple(lengths, fc.nat(255)).map(([length, seed]) => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = at * 31 + seed + (at >> 8)
  return bytes
})

const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength })

/** Names of pairs: well-formed, of 1 to 256 bytes, none of those that are refused. */
const names = fc.oneof(
  text(20),
  fc.constantFrom('constructor', 'toString', 'hasOwnProperty', '10', '9', 'length', '\0', 'é', 'e\u0301'),
)

/** Encryption contexts that are taken. */
export const contexts: fc.Arbitrary<Record<string, string>> = fc
  .dictionary(
    names.filter((name) => name !== '' && name !== '__proto__' && !name.startsWith('kms:')),
    text(60),
    { maxKeys: 6 },
  )
  .map((pairs) => ({ ...pairs }))

/** Both envelopes. */
export const envelopes: fc.Arbitrary<'derived' | 'wrapped'> = fc.constantFrom('derived', 'wrapped')
