import { createKms, localRootKey, type Kms } from '@chatelaine/core'
import { storageAt, type Place } from '../processes/place.ts'

/** A message, and what it says. */
export interface Message {
  readonly ciphertext: string
  readonly says: string
}

/** What a process of the rig is told, as one JSON text on its command line. */
export interface WorkerPlan {
  readonly role: 'job' | 'load'
  readonly place: Place
  /** The root keys that the process has, as texts, the current one first. */
  readonly rootKeys: readonly string[]
  readonly batch: number
  /** A file with messages that have to open at any time. */
  readonly messages: string
  /** The number of the process, which is the seed of what it does. */
  readonly number: number
  /** Whether a job begins another epoch though nothing asks for one. */
  readonly newEpoch?: boolean
}

/** What a job tells as it comes along: rows that it has moved. */
export interface JobProgress {
  readonly moved: number
}

/** What a load tells in the end. */
export interface LoadReport {
  readonly encrypted: number
  readonly decrypted: number
  /** Messages of its own that it has kept. */
  readonly said: readonly Message[]
  readonly failures: readonly string[]
}

/** The KMS, as a process with these root keys opens it. */
export async function openWith(place: Place, rootKeys: readonly string[]): Promise<Kms> {
  const [rootKey, ...previousRootKeys] = rootKeys.map((text) => localRootKey(text))
  if (rootKey === undefined) throw new Error('a process has a root key')
  return createKms({ storage: storageAt(place), rootKey, previousRootKeys, deadlineMs: 60_000 })
}

/** The name of a key. */
export const keyName = (number: number): string => `key-${number}`
