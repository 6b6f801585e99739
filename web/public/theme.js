// Runs before the first paint, as a file of its own because the page allows no inline script: the chosen theme must
// not flash the other one. Without a choice the system decides, in CSS.
try {
  const chosen = localStorage.getItem('guise-theme')
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
} catch {
  // Storage may be blocked: the system's theme is right then.
}
