/** Ways to make values that people mean as the same value the same text. Unicode is that of the runtime. */
export const normalizers = Object.freeze({
  /** Nothing: equal bytes are equal values. */
  none: (text: string) => text,
  /** Unicode compatibility forms: a full-width letter is the letter, a composed one its parts composed again. */
  nfkc: (text: string) => text.normalize('NFKC'),
  /** `nfkc`, without the difference between upper and lower case. */
  lowercase: (text: string) => lowered(text),
  /** `lowercase`, without white space around it. Dots and tags within an address count: providers differ there. */
  email: (text: string) => lowered(text).trim(),
  /** Digits alone, of whatever script NFKC makes ASCII: telephone and account numbers. */
  digits: (text: string) => text.normalize('NFKC').replaceAll(/[^0-9]/g, ''),
  /** Letters and digits alone, in lower case: number plates, IBANs, document numbers. */
  alphanumeric: (text: string) => lowered(text).replaceAll(/[^\p{L}\p{N}]/gu, ''),
}) satisfies Readonly<Record<string, (text: string) => string>>

/** The name of a normalizer. */
export type NormalizerName = keyof typeof normalizers

/** All of them. */
export const normalizerNames = Object.freeze(Object.keys(normalizers)) as readonly [NormalizerName, ...NormalizerName[]]

/** Lower case can bring back what NFKC took away, so it is normalized again. */
function lowered(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC')
}
