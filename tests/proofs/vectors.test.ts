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
})
