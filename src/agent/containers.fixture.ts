/** What the containers given as JSON would be reported as, from the namespace that this runs in. */
import { foundContainers } from './containers.ts'

const [home, running] = process.argv.slice(2)
process.stdout.write(JSON.stringify(foundContainers(home!, [], JSON.parse(running!))))
