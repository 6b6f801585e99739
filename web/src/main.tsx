/** Opens the console: styles in the order they build on each other, words, then the application. */
import '@mantine/core/styles/baseline.css'
import '@mantine/core/styles/default-css-variables.css'
import '@mantine/core/styles/global.css'
import '@mantine/core/styles/UnstyledButton.css'
import '@mantine/core/styles/CloseButton.css'
import '@mantine/core/styles/Input.css'
import '@mantine/core/styles/Paper.css'
import '@mantine/core/styles/Overlay.css'
import '@mantine/core/styles/ModalBase.css'
import '@mantine/core/styles/Modal.css'
import './tokens.css'
import './base.css'
import './shell/shell.css'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { initWords } from './words/words.ts'

initWords()
createRoot(document.getElementById('root')!).render(<App />)
