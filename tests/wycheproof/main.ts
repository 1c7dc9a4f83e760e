// Runs the vectors, and writes what became of them into docs/vectors.md.
//
//   node tests/wycheproof/main.ts
import { writeFileSync } from 'node:fs'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { expectations } from './expectations.ts'
import { pageOf, pagePath } from './page.ts'
import { runFile, type FileReport } from './run.ts'
import { whySkipped } from './vectors.ts'

if (whySkipped !== undefined) throw new Error(whySkipped)
const kms = await createKms({
  storage: memoryStorage(),
  rootKey: localRootKey(generateRootKey()),
  deadlineMs: 60_000,
})
const reports: FileReport[] = []
for (const file of Object.keys(expectations.files)) reports.push(await runFile(kms, file))
await kms.close()
for (const { file, problems } of reports) for (const problem of problems) console.error(`${file} ${problem}`)
writeFileSync(pagePath, pageOf(reports))
if (reports.some(({ problems }) => problems.length > 0)) process.exitCode = 1
