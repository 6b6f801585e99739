import Theme from 'vitepress/theme-without-fonts'
import './guise.css'

export default Theme
