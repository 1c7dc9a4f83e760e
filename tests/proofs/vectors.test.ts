import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isConsistent, isIncluded } from '@chatelaine/core/verify'
import { describe, expect, test } from 'vitest'
import { foreignVectors, missing } from '../support/foreign-vectors.ts'

interface Inclusion {
  readonly leafIdx: number
  readonly treeSize: number
  readonly root: string
  readonly leafHash: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

interface Consistency {
  readonly size1: number
  readonly size2: number
  readonly root1: string
  readonly root2: string
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

const bytes = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64')

/** Every file of a kind of vectors, with its path. */
function* all<T>(kind: string): Generator<readonly [string, T]> {
  const folder = path.join(foreignVectors as string, 'rfc6962-proofs', kind)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.json')) continue
    const file = path.join(entry.parentPath, entry.name)
    yield [path.relative(folder, file), JSON.parse(readFileSync(file, 'utf8')) as T]
  }
}

describe.skipIf(foreignVectors === undefined)(`The proof vectors of RFC 6962 (${missing ?? 'present'})`, () => {
  test('E83 inclusion proofs are right where they must be, and wrong where they must be', () => {
    let count = 0
    for (const [file, vector] of all<Inclusion>('inclusion')) {
      const proof = (vector.proof ?? []).map(bytes)
      const claim = { leaf: bytes(vector.leafHash), index: vector.leafIdx, size: vector.treeSize, proof }
      expect([file, isIncluded({ ...claim, root: bytes(vector.root) })]).toEqual([file, !vector.wantErr])
      count += 1
    }
    expect(count).toBe(98)
  })

  test('E83 consistency proofs are right where they must be, and wrong where they must be', () => {
    let count = 0
    for (const [file, vector] of all<Consistency>('consistency')) {
      const roots = { fromRoot: bytes(vector.root1), toRoot: bytes(vector.root2) }
      const claim = { from: vector.size1, to: vector.size2, ...roots, proof: (vector.proof ?? []).map(bytes) }
      expect([file, isConsistent(claim)]).toEqual([file, !vector.wantErr])
      count += 1
    }
    expect(count).toBe(98)
  })

  test('E83 inclusion proofs of subtrees are those of a log that begins where the subtree does', () => {
    let count = 0
    for (const [file, vector] of all<Inclusion & Subtree>('subtreeinclusion')) {
      const { start, end, leafIdx } = vector
      const place = { index: leafIdx - start, size: end - start, root: bytes(vector.root) }
      const claim = { ...place, leaf: bytes(vector.leafHash), proof: (vector.proof ?? []).map(bytes) }
      const isGood = isSubtree(vector) && leafIdx >= start && isIncluded(claim)
      expect([file, isGood]).toEqual([file, !vector.wantErr])
      count += 1
    }
    expect(count).toBe(204)
  })

  test('E83 consistency proofs of subtrees that begin with record 0 are those of RFC 6962', () => {
    const counts = { checked: 0, empty: 0, later: 0 }
    for (const [file, vector] of all<Consistency & Subtree & { readonly size: number }>('subtreeconsistency')) {
      const { start, end, size } = vector
      // What later subtrees are consistent with, RFC 6962 does not know; and from an empty log nothing follows here.
      const kind = start > 0 ? 'later' : size === 0 && !vector.wantErr ? 'empty' : 'checked'
      counts[kind] += 1
      if (kind !== 'checked') continue
      const roots = { fromRoot: bytes(vector.root1), toRoot: bytes(vector.root2) }
      const claim = { from: end, to: size, ...roots, proof: (vector.proof ?? []).map(bytes) }
      expect([file, isConsistent(claim)]).toEqual([file, !vector.wantErr])
    }
    expect(counts).toEqual({ checked: 100, empty: 2, later: 16 })
  })
})

interface Subtree {
  readonly start: number
  readonly end: number
}

/** A subtree begins at a multiple of the power of two that it fits in. */
function isSubtree({ start, end }: Subtree): boolean {
  let width = 1
  while (width < end - start) width *= 2
  return start >= 0 && start < end && start % width === 0
}
