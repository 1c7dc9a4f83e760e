import { turns, type World } from './kms.ts'

/** An hour, in milliseconds. */
export const hour = 3_600_000
/** A minute, in milliseconds. */
export const minute = 60_000

/** Lets time pass, minute by minute, with whatever it sets going. */
export async function pass({ clock }: World, ms: number): Promise<void> {
  await turns(24)
  for (let passed = 0; passed < ms; passed += minute) {
    clock.advance(minute)
    await turns(24)
  }
}
