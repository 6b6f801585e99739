/**
 * Line protocols with a log-in in clear text (FTP RFC 959, SMTP RFC 4954, POP3 RFC 1939, IMAP RFC 9051): lines of either
 * side come in, what became of an attempt to log in goes out. Names and passwords are looked past, never kept.
 */
export type LineTalk = {
  protocol: 'ftp' | 'smtp' | 'pop3' | 'imap' | 'undecided'
  /** A secret was sent and the answer is awaited. */
  isTrying: boolean
  /** IMAP's tag of the attempt. */
  tag: string
  linesLeft: number
}

export type LoginOutcome = 'accepted' | 'refused'

const MAX_LINES = 4_096

/** Null when the first line of a server is of no such protocol. */
export function greet(line: string, port: number): LineTalk | null {
  const talk = (protocol: LineTalk['protocol']): LineTalk => ({
    protocol,
    isTrying: false,
    tag: '',
    linesLeft: MAX_LINES,
  })
  if (/^220[ -]/.test(line)) {
    if (/ftp/i.test(line) || port === 21) return talk('ftp')
    return talk(/smtp|mail/i.test(line) || port === 25 || port === 587 ? 'smtp' : 'undecided')
  }
  if (/^\+OK\b/.test(line)) return talk('pop3')
  if (/^\* (OK|PREAUTH)\b/.test(line)) return talk('imap')
  return null
}

/** One line; the outcome when it decides an attempt. */
export function takeLine(talk: LineTalk, fromClient: boolean, line: string): LoginOutcome | null {
  if (talk.linesLeft-- <= 0) return null
  return fromClient ? takeCommand(talk, line) : takeReply(talk, line)
}

function takeCommand(talk: LineTalk, line: string): null {
  const command = line.slice(0, 12).toUpperCase()
  if (talk.protocol === 'undecided') {
    if (/^(EHLO|HELO)\b/.test(command)) talk.protocol = 'smtp'
    else if (/^(USER|FEAT|SYST|AUTH)\b/.test(command)) talk.protocol = 'ftp'
  }
  if (talk.protocol === 'ftp' || talk.protocol === 'pop3') {
    if (/^(PASS|APOP)\b/.test(command)) talk.isTrying = true
  } else if (talk.protocol === 'smtp') {
    if (/^AUTH [A-Z]/.test(command)) talk.isTrying = true
  } else if (talk.protocol === 'imap') {
    const match = /^(\S{1,32}) (LOGIN|AUTHENTICATE) /i.exec(line.slice(0, 64))
    if (match !== null) {
      talk.isTrying = true
      talk.tag = match[1]!
    }
  }
  return null
}

function takeReply(talk: LineTalk, line: string): LoginOutcome | null {
  if (!talk.isTrying) return null
  const outcome = judge(talk, line)
  if (outcome !== null) talk.isTrying = false
  return outcome
}

function judge(talk: LineTalk, line: string): LoginOutcome | null {
  switch (talk.protocol) {
    case 'ftp':
      return /^(230|232)/.test(line) ? 'accepted' : /^(530|421|5\d\d)/.test(line) ? 'refused' : null
    case 'smtp':
      return /^235/.test(line) ? 'accepted' : /^[45]\d\d/.test(line) ? 'refused' : null
    case 'pop3':
      return /^\+OK/.test(line) ? 'accepted' : /^-ERR/.test(line) ? 'refused' : null
    case 'imap':
      if (!line.startsWith(`${talk.tag} `)) return null
      return /^OK\b/i.test(line.slice(talk.tag.length + 1)) ? 'accepted' : 'refused'
    default:
      return null
  }
}
