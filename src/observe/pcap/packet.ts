/**
 * One packet on its way through the layers: link, network and transport each fill in their part. There is one such
 * object per source, refilled for every packet, so that a packet costs no allocation.
 */
import { Reader } from '../reader.ts'

export type Packet = {
  readonly reader: Reader
  /** epoch ms */
  timeMs: number
  /** Where the captured bytes of this packet end in `reader.bytes`. */
  capturedTo: number
  /** Bytes that were on the wire behind `capturedTo`, cut off by the snapshot length. */
  cutBytes: number
  /** Where the network layer begins. */
  networkAt: number
  version: 4 | 6
  /** 4 words each, see model/address.ts */
  readonly source: Uint32Array
  readonly target: Uint32Array
  proto: number
  /** Length of the whole datagram as its header says, headers included. */
  datagramBytes: number
  /** Where the transport layer begins. */
  transportAt: number
  /** Length of the transport layer as the network header says. */
  transportBytes: number
  /** How many of these bytes were captured: may be more (padding of Ethernet) or fewer (snapshot length). */
  transportCaptured: number
}

export function createPacket(): Packet {
  return {
    reader: new Reader(),
    timeMs: 0,
    capturedTo: 0,
    cutBytes: 0,
    networkAt: 0,
    version: 4,
    source: new Uint32Array(4),
    target: new Uint32Array(4),
    proto: 0,
    datagramBytes: 0,
    transportAt: 0,
    transportBytes: 0,
    transportCaptured: 0,
  }
}
