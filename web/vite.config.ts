/** The console: built once by the set-up into dist/, served by the API under /ui/. */
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** What nearly every page is made of: one file together, as alone each is a request and hardly compresses. Not what the shell has. */
const PARTS = /\/src\/(?:parts\/(?:address|loaded|marks|peek|rights|segments)|shell\/page)\.tsx?$/

export default defineConfig({
  root: import.meta.dirname,
  base: '/ui/',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    manifest: true,
    // The page must work under `script-src 'self'` and `img-src 'self'`: nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'parts', test: PARTS }] },
      },
    },
  },
})
