import type { StorageAdapter } from '@chatelaine/core/storage'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { Model } from '../support/model.ts'
import { sharedMemory } from '../support/shared-memory.ts'
import { command, Memory, opening, predict, type Command } from './commands.ts'
import { Subject } from './subject.ts'

/** How many sequences, and how long. `MODEL_RUNS=5000` for a long night. */
const runs = Number(process.env['MODEL_RUNS'] ?? 60)
const sequences = fc.array(command, { minLength: 20, maxLength: 60, size: 'max' })
const start = new Date('2026-01-01T00:00:00Z').getTime()

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-model-'))
  // Two instances share each file on purpose; the adapter's warning of it is tested where the adapter is.
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  return () => {
    warning.mockRestore()
    rmSync(folder, { recursive: true })
  }
})

function sqlite(): () => StorageAdapter {
  const file = path.join(folder, `${files++}.db`)
  return () => sqliteStorage(file)
}

/** Runs the commands against the storages, side by side, and against the model. Gives the texts of the records. */
async function compare(commands: readonly Command[], adapters: readonly (() => StorageAdapter)[]): Promise<string[][]> {
  const subjects = await Promise.all(adapters.map(async (adapter) => Subject.on(adapter)))
  const model = new Model()
  model.now = start
  const memory = new Memory()
  for (const [index, asked] of [...opening, ...commands].entries()) {
    const predicted = predict(model, memory, asked)
    if (predicted === 'skip') continue
    const answers = []
    for (const subject of subjects) answers.push(await subject.perform(asked))
    const at = `${index} ${JSON.stringify(asked)}`
    const [first] = answers
    expect([at, first?.code]).toEqual([at, predicted.verdict])
    if (first?.version !== undefined) expect([at, first.version]).toEqual([at, predicted.version])
    for (const answer of answers) expect([at, answer]).toEqual([at, first])
  }
  const texts: string[][] = []
  for (const subject of subjects) {
    texts.push((await subject.records()).map((record) => JSON.stringify(record)))
    expect(await subject.verifies()).toBe(true)
    await subject.close()
  }
  return texts
}

describe('whatever is asked, in whatever order, of whichever of two instances', () => {
  test('memory answers as the model does', async () => {
    const property = fc.asyncProperty(sequences, async (commands) => {
      await compare(commands, [sharedMemory()])
    })
    await fc.assert(property, { numRuns: runs })
  }, 600_000)

  test('J130 memory and SQLite answer as the model does, and write the same records to the byte', async () => {
    const property = fc.asyncProperty(sequences, async (commands) => {
      const [memory, sqliteTexts] = await compare(commands, [sharedMemory(), sqlite()])
      expect(sqliteTexts).toEqual(memory)
    })
    await fc.assert(property, { numRuns: Math.ceil(runs / 3) })
  }, 600_000)
})
