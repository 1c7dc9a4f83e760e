import { onTestFinished, vi } from 'vitest'

/** Every buffer with memory of its own, outside the pool, that is made from now on until the test has ended. */
export function allocations(): Buffer[] {
  const made: Buffer[] = []
  const { allocUnsafeSlow, from } = Buffer as {
    allocUnsafeSlow: (size: number) => Buffer
    from: (...of: never[]) => Buffer
  }
  const slow = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((size) => {
    const bytes = allocUnsafeSlow(size)
    made.push(bytes as Buffer<ArrayBuffer>)
    return bytes as Buffer<ArrayBuffer>
  })
  const small = vi.spyOn(Buffer, 'from').mockImplementation(((...of: never[]) => {
    const bytes = from(...of)
    if ((of[0] as unknown) instanceof ArrayBuffer) made.push(bytes)
    return bytes
  }) as never)
  onTestFinished(() => {
    slow.mockRestore()
    small.mockRestore()
  })
  return made
}
