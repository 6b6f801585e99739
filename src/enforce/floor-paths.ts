/** Where a floor may stand; the first that is there holds. */
import { join } from 'node:path'

export const SYSTEM_FLOOR = '/etc/guise/floor.yaml'
export const floorPaths = (home: string): readonly string[] => [join(home, 'floor.yaml'), SYSTEM_FLOOR]
