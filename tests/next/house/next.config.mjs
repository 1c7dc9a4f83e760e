import path from 'node:path'

export default {
  // The packages are those of the checkout, which Node.js reads as they are.
  serverExternalPackages: ['@chatelaine/core', '@chatelaine/http', '@chatelaine/storage-memory'],
  turbopack: { root: path.resolve(import.meta.dirname, '../../..') },
  // What is compressed tells by its length what is in it.
  compress: false,
}
