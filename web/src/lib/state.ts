// The colour of a state: good (the mail got there), wait (not yet known), bad (it did not).

import type { MailState } from './api';

const TONES: Record<MailState, 'good' | 'wait' | 'bad' | 'soft'> = {
  unknown: 'soft',
  sent: 'wait',
  no_news: 'wait',
  delayed: 'wait',
  accepted: 'good',
  captured: 'good',
  relayed: 'good',
  opened: 'good',
  clicked: 'good',
  refused: 'bad',
  returned: 'bad',
  complained: 'bad',
  suppressed: 'bad',
  rejected: 'bad',
  rendering_failed: 'bad',
};

export const toneOf = (state: MailState): string => TONES[state] ?? 'soft';
