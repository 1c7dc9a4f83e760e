// Compiled by `pnpm typecheck`, never run: each line below must be refused by the compiler. A stage of the walk takes
// only what the stage before it made, so code that leaves one out does not compile.
import type { KeyRow, VersionRow } from '../../src/state/rows.ts'
import type { Authorized, Material, Recorded, UsableKey } from '../../src/stages.ts'
import { lookUp, type Keyring } from '../../src/keys/keyring.ts'
import type { KeyUse } from '../../src/keys/keyring.ts'
import type { StateView } from '../../src/state/view.ts'
import { seal, type Plain, type Tools } from '../../src/envelope/seal.ts'
import type { SecretKey } from '../../src/crypto/secret-key.ts'

declare const view: StateView
declare const use: KeyUse
declare const keyring: Keyring
declare const key: KeyRow
declare const version: VersionRow
declare const secret: SecretKey
declare const plain: Plain
declare const tools: Tools

/** Looking a key up without having authorized it. */
// @ts-expect-error an intent is not authorized because somebody writes it down
export const unauthorized = lookUp(view, { intent: { action: 'encrypt', keyId: key.id }, validUntil: Infinity }, use)

/** Unwrapping a version whose state nobody looked at. */
// @ts-expect-error a key and a version are not a usable key
export const unchecked: Material = keyring.materialOf({ key, version, validUntil: Infinity })

/** Sealing with a secret that came from elsewhere. */
// @ts-expect-error a secret is not material
export const unleased = seal({ keyId: key.id, keyVersion: 1, secret }, plain, tools)

/** Releasing a result that was not recorded. */
// @ts-expect-error a number is not the proof of a record
export const unrecorded: Recorded = { seq: 1 }

/** Passing one stage off as another. */
export const stages = (authorized: Authorized, usable: UsableKey): unknown => [
  // @ts-expect-error what is authorized is not yet usable
  keyring.materialOf(authorized),
  // @ts-expect-error what is usable is not material
  seal(usable, plain, tools),
]
