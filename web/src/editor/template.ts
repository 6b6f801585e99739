/** What something new begins as: whole and harmless. A policy is in observe, with a test that shows how tests are written. */

/** In the address of something that is not there yet; no name makes this id. */
export const NEW = '_new'

export const POLICY = `apiVersion: guise/v1
kind: Policy
metadata:
  name: new-policy
  description: Say in one sentence what is meant.
spec:
  # observe counts what it would drop; enforce drops it
  mode: observe
  # whom it is about: labels, persona (the one worn) or names; left out, every workload
  subjects:
    persona: Database
  rules:
    - action: deny
      direction: egress
      peers: [{ cidr: 203.0.113.0/24 }]
      description: documentation addresses, where nobody lives
  # saving waits until these pass
  tests:
    - { from: Database, to: 203.0.113.9, protocol: tcp, port: 443, expect: deny }
`

export const PERSONA = `apiVersion: guise/v1
kind: Persona
metadata:
  name: New Persona
  description: Say in one sentence who wears it.
spec:
  profile:
    # what happens to everything that no rule names
    default: { egress: allow, ingress: allow }
    rules:
      - action: deny
        direction: egress
        peers: [{ cidr: 203.0.113.0/24 }]
        description: documentation addresses, where nobody lives
  # how it tightens under risk; every deny ends by itself
  mitigationRules:
    - { when: risk >= 0.7, do: deny, ttl: 15m }
`
