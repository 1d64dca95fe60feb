// Original file: proto/fedpress/v1/session.proto

import type { Refusal as _fedpress_v1_Refusal, Refusal__Output as _fedpress_v1_Refusal__Output } from '../../fedpress/v1/Refusal.ts';

export interface Heard {
  'round'?: (number);
  'refused'?: (_fedpress_v1_Refusal | null);
}

export interface Heard__Output {
  'round': (number);
  'refused': (_fedpress_v1_Refusal__Output | null);
}
