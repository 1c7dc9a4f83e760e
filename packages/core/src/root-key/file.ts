import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { InvalidRequestError, RootKeyMissingError, RootKeyUnavailableError } from '../errors.ts'
import { allocate } from '../internal/bytes.ts'
import { howToMakeOne, readKeyText } from './key-text.ts'
import { loadedRootKey } from './local.ts'
import type { RootKey } from './root-key.ts'

/** What is looked at in a file with a root key. */
export interface FileRootKeyOptions {
  /**
   * Whether the path may be a symbolic link, as secrets are that Kubernetes mounts. Where it leads to is checked all the
   * same. @defaultValue false
   */
  readonly followSymbolicLink?: boolean | undefined
  /** Whether the file's group may read it. Nobody else ever may. @defaultValue false */
  readonly groupMayRead?: boolean | undefined
}

/** Far more than any text of a key: what is longer is another file. */
const maxBytes = 1024

/**
 * A root key in a file: one line of base64, base64url or hex, as `openssl rand -base64 32` writes it. It is read when the
 * KMS is created, and again for every tenant that is opened, never kept. On systems with permissions the file has to
 * belong to the user of the process or to root, and nobody else may read or write it (`chmod 600`, or 400).
 *
 * @param path - the file. When it is not there, `createKms` throws `ROOT_KEY_MISSING`; when others can read it, when it
 *   is a symbolic link or no file at all, `INVALID_REQUEST`.
 * @example
 * ```ts
 * import { fileRootKey } from '@chatelaine/core'
 *
 * const rootKey = fileRootKey('/etc/kms/root.key')
 * ```
 */
export function fileRootKey(path: string, options: FileRootKeyOptions = {}): RootKey {
  if (typeof path !== 'string' || path === '') throw new InvalidRequestError('the path of a root key is a text')
  const checked = { ...options }
  return loadedRootKey(async () => readChecked(path, checked))
}

async function readChecked(path: string, options: FileRootKeyOptions): Promise<Buffer> {
  const file = await openFile(path, options)
  try {
    // What is checked is what was opened, whatever the path leads to by now.
    const { size } = await check(path, file, options)
    const bytes = allocate(size)
    const { bytesRead } = await file.read(bytes, 0, size, 0)
    return readKeyText(lineOf(bytes.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}

/** A text without the end of its only line. */
function lineOf(text: Buffer): Buffer {
  if (text.at(-1) !== 0x0a) return text
  return text.subarray(0, text.at(-2) === 0x0d ? -2 : -1)
}

async function openFile(path: string, { followSymbolicLink }: FileRootKeyOptions): Promise<FileHandle> {
  const noFollow = followSymbolicLink === true ? 0 : (constants.O_NOFOLLOW ?? 0)
  try {
    // Without O_NONBLOCK a pipe of that name would keep us waiting.
    return await open(path, constants.O_RDONLY | noFollow | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new RootKeyMissingError(`there is no root key in ${path}. ${howToMakeOne}`)
    if (code === 'ELOOP') refuse(path, 'is a symbolic link: name the file itself, or say followSymbolicLink')
    throw new RootKeyUnavailableError(`the root key in ${path} cannot be read`, { cause: error })
  }
}

async function check(
  path: string,
  file: FileHandle,
  { groupMayRead }: FileRootKeyOptions,
): Promise<{ readonly size: number }> {
  const { mode, uid, size, isFile } = await statOf(file)
  if (!isFile) refuse(path, 'is not a file')
  if (size > maxBytes) refuse(path, 'is too long for a root key')
  if (process.getuid === undefined) return { size }
  if (uid !== 0 && uid !== process.getuid()) refuse(path, 'belongs to another user')
  const forbidden = groupMayRead === true ? 0o037 : 0o077
  if ((mode & forbidden) !== 0) refuse(path, 'can be read or written by others: chmod 600')
  return { size }
}

async function statOf(file: FileHandle): Promise<{ mode: number; uid: number; size: number; isFile: boolean }> {
  const stat = await file.stat()
  return { mode: stat.mode, uid: stat.uid, size: stat.size, isFile: stat.isFile() }
}

function refuse(path: string, why: string): never {
  throw new InvalidRequestError(`the root key file ${path} ${why}`)
}
