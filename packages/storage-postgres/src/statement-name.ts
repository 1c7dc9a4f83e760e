import { BoundedMap } from '@chatelaine/storage-sql'

const maxNames = 256
const names = new BoundedMap<string, string>(maxNames)

/** A name for a statement that is the same in every process and copy of this package: two hashes of its text. */
export function nameOf(text: string): string {
  return names.obtain(text, () => {
    let [left, right] = [0xdead_beef, 0x41c6_ce57]
    for (let at = 0; at < text.length; at++) {
      left = Math.imul(left ^ text.charCodeAt(at), 2_654_435_761)
      right = Math.imul(right ^ text.charCodeAt(at), 1_597_334_677)
    }
    return `chatelaine_${(left >>> 0).toString(36)}_${(right >>> 0).toString(36)}_${text.length}`
  })
}
