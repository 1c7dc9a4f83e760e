import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { systemRandomness } from '../crypto/randomness.ts'
import { pause } from '../internal/clock.ts'
import { systemClock, systemTimers } from '../internal/defaults.ts'

/** A lock that is older belongs to a process that died with it, or sleeps. */
const staleMs = 3000
/** Whoever makes a lock says at once who it is: one that is older and says nothing was left by a process that died then. */
const namelessMs = 250
const tryAgainMs = 5

/**
 * Runs `work` while a file of this name exists that this process has made, and no other: processes on one machine take
 * turns. A process that dies leaves the file, and whoever waits for it takes it away: at once where it was one of this
 * machine, otherwise when the file has become old. Should two do so at once, both may run: `work` has to be harmless then.
 *
 * @throws what the file system does, apart from "it exists".
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!(await tryToMake(path))) {
    await removeIfStale(path)
    await pause(systemTimers, tryAgainMs)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function tryToMake(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(`${process.pid} ${hostname()}`)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path)
    const owner = await readFile(path, 'utf8')
    const isOld = systemClock.now() - mtimeMs >= (owner === '' ? namelessMs : staleMs)
    if (!isOld && !hasDied(owner)) return
    // Only one of several gets it; the others find that it is gone.
    const away = `${path}.${systemRandomness.uuid()}`
    await rename(path, away)
    await rm(away, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Whether a lock was made by a process of this machine that is no more. */
function hasDied(owner: string): boolean {
  const [pid, host] = owner.split(' ')
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
