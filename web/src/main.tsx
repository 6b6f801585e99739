/** Opens the console: styles in the order they build on each other, words, then the application. */
import './tokens.css'
import './base.css'
import './shell/shell.css'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { initWords } from './words/words.ts'

initWords()
createRoot(document.getElementById('root')!).render(<App />)
