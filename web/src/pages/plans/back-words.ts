/** The sentences of the way back to a generation, and of automation that was held there. */
export const backWords = {
  planBack: {
    title: 'Back to generation {{n}}',
    crumb: 'Back to {{n}}',
    part: 'what would change',
    eyebrow: 'Generation {{from}}, in force now, against generation {{to}}',
    nothingYet: 'Nothing has changed yet.',
    act: 'Go back…',
    follows: {
      title: 'What follows',
      timer: 'It is a plan of its own and undoes itself within {{left}} unless confirmed.',
      keeps: 'What is never blocked, fail-safe paths and containments that run stay as they are now.',
      held: 'Automation is held: until a person resumes it, only containments and what is spared are planned.',
    },
    dialog: {
      title: 'Go back to generation {{n}}?',
      verb: 'Go back',
      says: 'Automation is held there until a person resumes it.',
      why: 'Reason for the record',
    },
    done: 'A plan that goes back to generation {{n}} was made: generation {{plan}}.',
  },
  halted: {
    pinned: 'Automation is held at a generation',
    tripped: 'Automation stands still: a cap was broken',
    since: '{{by}}, {{at}}',
    only: 'Only containments and what is spared are planned.',
    resume: 'Resume…',
    dialog: {
      title: 'Let automation go on?',
      verb: 'Resume',
      says: 'What policies, personas and beliefs ask for is planned again, at once.',
      why: 'Reason for the record',
    },
    done: 'Automation goes on.',
  },
}
