import { beforeEach, inject } from 'vitest'

// Why a file of its own: it runs before each test file of the project, and is what skips them all, with the reason.
beforeEach(({ skip }) => {
  const server = inject('postgres')
  if ('missing' in server) skip(server.missing)
})
