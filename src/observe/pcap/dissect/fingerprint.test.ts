import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ja3, ja3s, ja3Text, ja4 } from './fingerprint.ts'
import type { ClientHello } from './tls-hello.ts'

const EMPTY: ClientHello = {
  version: 0x0301,
  ciphers: [],
  extensions: [],
  groups: [],
  pointFormats: [],
  signatureAlgorithms: [],
  supportedVersions: [],
  serverName: '',
  protocols: [],
}

test('JA3 as in the README of salesforce/ja3', () => {
  const full = {
    ...EMPTY,
    ciphers: [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
    extensions: [0, 10, 11],
    groups: [23, 24, 25],
    pointFormats: [0],
  }
  assert.equal(ja3Text(full), '769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0')
  assert.equal(ja3(full), 'ada70206e40642a3e4461f35503241d5')
  const bare = { ...EMPTY, ciphers: [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99] }
  assert.equal(ja3Text(bare), '769,4-5-10-9-100-98-3-6-19-18-99,,,')
  assert.equal(ja3(bare), 'de350869b8c85de67a350c8d186f11e6')
})

// The digests are md5sum's of `769,47,65281-0-11-35-5-16` and of `769,47,`.
test('JA3S: version, cipher and extensions', () => {
  const hello = { version: 769, cipher: 47, extensions: [65281, 0, 11, 35, 5, 16], agreedVersion: 769 }
  assert.equal(ja3s(hello), '836ce314215654b5b1f85f97c73e506f')
  assert.equal(ja3s({ ...hello, extensions: [] }), '18e962e106761869a61045bed0e81c2c')
})

/** The example of technical_details/JA4.md, with GREASE in every list as Chrome sends it. */
const CHROME: ClientHello = {
  ...EMPTY,
  version: 0x0303,
  ciphers: [
    0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
    0x002f, 0x0035,
  ],
  extensions: [
    0x2a2a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01,
    0x000b, 0x000a, 0x0015,
  ],
  signatureAlgorithms: [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
  supportedVersions: [0x3a3a, 0x0304, 0x0303],
  serverName: 'example.org',
  protocols: ['h2', 'http/1.1'],
}

test('JA4 as in technical_details/JA4.md of FoxIO-LLC/ja4', () => {
  assert.equal(ja4(CHROME, 'tcp'), 't13d1516h2_8daaf6152771_e5627efa2ab1')
  assert.equal(ja4(CHROME, 'quic').slice(0, 10), 'q13d1516h2')
})

test('JA4 of a client that says next to nothing', () => {
  assert.equal(ja4(EMPTY, 'tcp'), 't10i000000_000000000000_000000000000')
  assert.match(ja4({ ...EMPTY, extensions: [0x000a] }, 'tcp'), /^t10i000100_0{12}_[0-9a-f]{12}$/)
  assert.match(ja4({ ...EMPTY, protocols: ['\xab\xcd'] }, 'tcp'), /^t10i0000ad_/)
})
