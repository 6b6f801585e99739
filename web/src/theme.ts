/** Mantine speaks our tokens: every variable it paints with is one of tokens.css, so both themes come from one place. */
import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core'

const ink = Array.from({ length: 10 }, () => 'var(--ink)') as unknown as MantineColorsTuple

export const theme = createTheme({
  primaryColor: 'ink',
  colors: { ink },
  fontFamily: 'var(--sans)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '11px', sm: '13px', md: '13px', lg: '14px', xl: '17px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '21px', xl: '24px' },
  headings: { fontFamily: 'var(--sans)', fontWeight: '600' },
  defaultRadius: '7px',
  focusRing: 'auto',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // A dialog's head is no banner of the page.
  components: { Modal: { defaultProps: { attributes: { header: { role: 'none' } } } } },
})

const variables = {
  '--mantine-color-body': 'var(--bg)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--ink-3)',
  '--mantine-color-placeholder': 'var(--ink-3)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-error': 'var(--drop)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--raised)',
  '--mantine-color-default-color': 'var(--ink)',
  '--mantine-color-default-border': 'var(--line-2)',
  '--mantine-primary-color-filled': 'var(--ink)',
  '--mantine-primary-color-filled-hover': 'var(--ink-2)',
  '--mantine-primary-color-contrast': 'var(--bg)',
  '--mantine-color-ink-filled': 'var(--ink)',
  '--mantine-color-ink-filled-hover': 'var(--ink-2)',
  '--mantine-color-white': 'var(--bg)',
  '--mantine-color-disabled': 'var(--raised)',
  '--mantine-color-disabled-color': 'var(--ink-3)',
  '--mantine-color-disabled-border': 'var(--line)',
}

export const cssVariablesResolver: CSSVariablesResolver = () => ({ variables: {}, light: variables, dark: variables })

/** The same key that public/theme.js reads before the first paint. */
export const colorSchemes = localStorageColorSchemeManager({ key: 'guise-theme' })
