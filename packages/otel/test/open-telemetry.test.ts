import { createKms, generateRootKey, isKmsError, localRootKey, type Kms } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openTelemetry } from '../src/index.ts'

const secret = 'canary-in-the-plaintext'
const value = 'canary-in-the-context'
const spans = new InMemorySpanExporter()
let exported: InMemoryMetricExporter
let reader: PeriodicExportingMetricReader
let tracerProvider: TracerProvider
let meterProvider: MeterProvider
let kms: Kms
const clock = fakeClock()

beforeEach(async () => {
  spans.reset()
  exported = new InMemoryMetricExporter(AggregationTemporality.DELTA)
  reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 1e8 })
  tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] })
  meterProvider = new MeterProvider({ readers: [reader] })
  kms = await open()
})
afterEach(async () => {
  await kms.close()
  await meterProvider.shutdown()
})

async function open(): Promise<Kms> {
  const telemetry = openTelemetry({ tracerProvider, meterProvider })
  return createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()), clock, telemetry })
}

const byName = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name)

/** What was measured, by the name of the metric. */
async function measured(): Promise<Map<string, MetricData>> {
  await new Promise((resolve) => void setImmediate(resolve))
  await new Promise((resolve) => void setImmediate(resolve))
  await reader.forceFlush()
  const all =
    exported
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
  return new Map(all.map((metric) => [metric.descriptor.name, metric]))
}

/** The points of a metric, by their attributes after the tenant. */
function pointsOf(metric: MetricData | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (metric?.dataPoints ?? []).map(({ attributes: { 'chatelaine.tenant': tenant, ...rest }, value: point }) => {
      expect(tenant).toBe('default')
      return [Object.values(rest).join(' '), typeof point === 'number' ? point : (point as { count: number }).count]
    }),
  )
}

describe('a span is made', () => {
  test('for each operation, with its key, and none of it is left open', async () => {
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.as({ id: 'eve', role: 'auditor' }).keys.get({ key: 'k' })
    await kms.encrypt({ key: 'k', plaintext: '1' })
    const [encrypt] = byName('kms.encrypt')
    expect(encrypt?.kind).toBe(SpanKind.INTERNAL)
    expect(encrypt?.status.code).toBe(SpanStatusCode.UNSET)
    expect(encrypt?.attributes).toEqual({
      'chatelaine.tenant': 'default',
      'chatelaine.operation': 'encrypt',
      'chatelaine.effect': 'use',
      'chatelaine.role': 'admin',
      'chatelaine.status': 'success',
      'chatelaine.key.id': id,
      'chatelaine.key.version': 1,
    })
    expect(byName('kms.createKey')[0]?.attributes['chatelaine.effect']).toBe('change')
    expect(byName('kms.describeKey')[0]?.attributes['chatelaine.role']).toBe('auditor')
    expect(encrypt?.instrumentationScope.name).toBe('@chatelaine/otel')
  })

  test('that says how it failed, by its code', async () => {
    const attempts: [string, Promise<unknown>][] = [
      ['denied ACCESS_DENIED', kms.as('app').encrypt({ key: 'k', plaintext: '1' })],
      ['failure KEY_NOT_FOUND', kms.encrypt({ key: 'k', plaintext: '1' })],
      ['failure INVALID_REQUEST', kms.encrypt({ key: '' } as never)],
    ]
    for (const outcome of await Promise.allSettled(attempts.map(([, attempt]) => attempt))) {
      expect(outcome.status === 'rejected' && isKmsError(outcome.reason)).toBe(true)
    }
    const found = byName('kms.encrypt').map(({ attributes, status }) => {
      expect(status).toEqual({ code: SpanStatusCode.ERROR })
      return `${String(attributes['chatelaine.status'])} ${String(attributes['error.type'])}`
    })
    expect(new Set(found)).toEqual(new Set(attempts.map(([expected]) => expected)))
  })

  test('below the one that is active where the operation is asked for', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    try {
      const tracer = tracerProvider.getTracer('test')
      const parent = tracer.startSpan('request')
      await context.with(trace.setSpan(context.active(), parent), async () => {
        await Promise.resolve()
        await kms.generateRandom({ numberOfBytes: 1 })
      })
      parent.end()
      const [span] = byName('kms.generateRandom')
      expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
      expect(span?.spanContext().traceId).toBe(parent.spanContext().traceId)
    } finally {
      context.disable()
    }
  })
})

describe('it is measured', () => {
  test('how long operations took and how many items they had, by outcome', async () => {
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.encryptMany({
      items: [
        { key: 'k', plaintext: '1' },
        { key: 'k', plaintext: '2' },
      ],
    })
    await kms.encrypt({ key: 'k', plaintext: '3' })
    await kms
      .as('app')
      .encrypt({ key: 'k', plaintext: '1' })
      .catch(() => undefined)
    const metrics = await measured()
    expect(pointsOf(metrics.get('chatelaine.operation.duration'))).toEqual({
      'createKey success': 1,
      'encrypt success': 2,
      'encrypt denied ACCESS_DENIED': 1,
    })
    expect(pointsOf(metrics.get('chatelaine.operation.items'))).toEqual({
      'createKey success': 1,
      'encrypt success': 3,
      'encrypt failure': 1,
    })
    expect(metrics.get('chatelaine.operation.duration')?.descriptor.unit).toBe('s')
  })

  test('what waits and what is kept, until the tenant is closed', async () => {
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.withDataKey({ key: 'k' }, () => undefined)
    const metrics = await measured()
    expect(pointsOf(metrics.get('chatelaine.data_keys.cached'))).toEqual({ '': 1 })
    expect(pointsOf(metrics.get('chatelaine.ledger.waiting'))).toEqual({ '': 0 })
    expect(pointsOf(metrics.get('chatelaine.ledger.lag'))).toEqual({ '': 0 })
    await kms.close()
    exported.reset()
    expect(pointsOf((await measured()).get('chatelaine.ledger.waiting'))).toEqual({})
    kms = await open()
  })
})

test('E77 no attribute is a plaintext, a context, a principal, a request id or what an error says', async () => {
  await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'canary-owner', tags: { a: 'canary-tag' } })
  const { ciphertext } = await kms.encrypt(
    { key: 'k', plaintext: secret, context: { a: value } },
    { requestId: 'canary-id' },
  )
  const client = kms.as('canary-principal')
  const asked = [
    kms.decrypt({ ciphertext, context: { a: `${value}!` } }),
    client.decrypt({ ciphertext, context: { a: value } }),
    kms.encrypt({ key: secret, plaintext: secret }),
    kms.encrypt({ key: 'k', plaintext: { secret } as never }),
    kms.keys.disable({ key: 'k', reason: 'canary-reason' }),
  ]
  await Promise.allSettled(asked)
  const all = spans
    .getFinishedSpans()
    .map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links }))
  const text = JSON.stringify([all, [...(await measured()).values()]])
  expect(all.length).toBeGreaterThan(5)
  expect(text).toContain('encrypt')
  expect(text).not.toContain('canary')
  expect(text).not.toContain(ciphertext.toString('base64url'))
})

describe('E73 what an SDK throws reaches no operation', () => {
  const fails = (): never => {
    throw new Error('sdk')
  }

  test.each([
    [
      'at the beginning of an operation',
      { begin: fails, recorded: vi.fn<() => void>(), opened: () => () => undefined },
      1,
    ],
    ['at its end', { begin: () => fails, recorded: vi.fn<() => void>(), opened: () => () => undefined }, 1],
    ['for a record', { begin: () => () => undefined, recorded: fails, opened: () => () => undefined }, 1],
    ['when it opens', { begin: () => () => undefined, recorded: vi.fn<() => void>(), opened: fails }, 1],
  ])('%s', async (_, telemetry, failures) => {
    const watched = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()), telemetry })
    expect((await watched.generateRandom({ numberOfBytes: 4 })).plaintext).toHaveLength(4)
    await new Promise((resolve) => void setImmediate(resolve))
    await new Promise((resolve) => void setImmediate(resolve))
    expect((await watched.ops.health()).signals.failed).toBeGreaterThanOrEqual(failures)
    await watched.close()
  })
})

test('without an SDK nothing comes of it, and everything works', async () => {
  const plain = await createKms({
    storage: memoryStorage(),
    rootKey: localRootKey(generateRootKey()),
    telemetry: openTelemetry(),
  })
  await plain.keys.create({ name: 'k', spec: 'AES_256' })
  const { ciphertext } = await plain.encrypt({ key: 'k', plaintext: '1' })
  expect((await plain.decrypt({ ciphertext })).plaintext.toString()).toBe('1')
  expect((await plain.ops.health()).signals).toMatchObject({ failed: 0, dropped: 0 })
  expect(spans.getFinishedSpans()).toEqual([])
  await plain.close()
})
