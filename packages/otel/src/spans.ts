import type { OperationEnd, OperationStart } from '@chatelaine/core'
import { SpanKind, SpanStatusCode, type Attributes, type Tracer } from '@opentelemetry/api'
import { attribute, otherError } from './names.ts'

/** Begins the span of an operation, below the span that is active. Returns what ends it. */
export function beginSpan(tracer: Tracer, start: OperationStart): (end: OperationEnd) => void {
  const attributes: Attributes = {
    [attribute.tenant]: start.tenant,
    [attribute.operation]: start.operation,
    [attribute.effect]: start.effect,
    [attribute.role]: start.role,
  }
  const span = tracer.startSpan(`kms.${start.operation}`, { kind: SpanKind.INTERNAL, attributes })
  return (end) => {
    span.setAttributes(attributesOf(end))
    // Without a message: what is wrong is the code.
    if (end.status !== 'success') span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
}

function attributesOf({ status, code, keyId, keyVersion }: OperationEnd): Attributes {
  return {
    [attribute.status]: status,
    ...(status === 'success' ? {} : { [attribute.errorType]: code ?? otherError }),
    ...(keyId === undefined ? {} : { [attribute.keyId]: keyId }),
    ...(keyVersion === undefined ? {} : { [attribute.keyVersion]: keyVersion }),
  }
}
