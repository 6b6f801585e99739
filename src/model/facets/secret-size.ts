/** Apart from the schemas: who only reads a table need not load them. */
export const MAX_SECRET_BYTES = 65_536
