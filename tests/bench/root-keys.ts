import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { asStored, bareMove, withOneKey } from './bare-move.ts'
import { median, seconds } from './measure.ts'
import { perSecond, type Report, type Run } from './section.ts'

const batch = 100
const few = 1000
const atOnce = 500

async function fill(kms: Kms, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, to - at) }, (_, more) => at + more)
    await Promise.all(some.map(async (number) => kms.keys.create({ name: `key-${number}`, spec: 'AES_256' })))
  }
}

/** Gives the first keys so many versions each. */
async function age(kms: Kms, versions: number): Promise<number> {
  for (let version = 1; version < versions; version++) {
    for (let at = 0; at < few; at += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, few - at) }, (_, more) => `key-${at + more}`)
      await Promise.all(some.map(async (key) => kms.keys.rotate({ key })))
    }
  }
  return versions
}

/** The time of a rotation of the root key, there and back. */
async function rotation(kms: Kms, rounds: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const to = localRootKey(generateRootKey())
    const took = await seconds(async () => void (await kms.rootKey.rotate({ to, retire: true })))
    if (round > 0) times.push(took)
  }
  return median(times)
}

/** Root keys: a rotation with few and with many keys, and the moving of material against bare statements. */
export async function rootKeys({ folder, rounds, operations }: Run): Promise<Report> {
  const many = operations * 5
  const file = path.join(folder, 'kms.db')
  const kms = await createKms({
    storage: sqliteStorage(file),
    rootKey: localRootKey(generateRootKey()),
    deadlineMs: 60_000,
  })
  await fill(kms, 0, few)
  const withFew = await rotation(kms, rounds * 3)
  const moving = few * (await age(kms, Math.max(1, Math.round(operations / few))))
  const [same, simple] = [asStored, withOneKey].map((cipher) => bareMove(file, { folder, cipher, batch }))
  const [ours, theirs, simpler]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    ours.push(await seconds(async () => void (await kms.rootKey.rewrap({ newEpoch: true, batch }))))
    theirs.push(await seconds(same as () => void))
    simpler.push(await seconds(simple as () => void))
  }
  await fill(kms, few, many)
  const withMany = await rotation(kms, rounds * 3)
  await kms.close()
  const rate = moving / median(ours)
  const bareRate = moving / median(theirs)
  const simpleRate = moving / median(simpler)
  return {
    circumstances: ['SQLite', `${few} and ${many} keys`, `${moving} versions moved, ${batch} at a time`],
    figures: [
      { name: `rotate, ${few} keys`, measured: `${(withFew * 1000).toFixed(1)} ms` },
      {
        name: `rotate, ${many} keys`,
        measured: `${(withMany * 1000).toFixed(1)} ms`,
        ratio: { value: withMany / withFew, of: `× ${few} keys`, atMost: 1.5 },
      },
      { name: 'rewrap', measured: perSecond(rate), ratio: { value: rate / bareRate, of: '% of bare', atLeast: 0.4 } },
      { name: 'bare: SELECT, decrypt, encrypt, UPDATE of these rows', measured: perSecond(bareRate) },
      { name: 'the same, if one AES key sealed all of them', measured: perSecond(simpleRate) },
    ],
  }
}
