/** What was called by this name before it read everything: see open.ts. */
export { createFileSource as createZeekSource } from './open.ts'
