/** The browser that Playwright drives; first the one without a window, which takes half the processor time. */
import { existsSync } from 'node:fs'

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'] as const
/** undefined = none is installed */
export const CHROMIUM = NAMES.map((name) => `/usr/bin/${name}`).find((path) => existsSync(path))
