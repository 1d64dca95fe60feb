// Original file: proto/fedpress/v1/session.proto

import type { Verdict as _fedpress_v1_Verdict, Verdict__Output as _fedpress_v1_Verdict__Output } from '../../fedpress/v1/Verdict.ts';

export interface Finished {
  'verdict'?: (_fedpress_v1_Verdict | null);
}

export interface Finished__Output {
  'verdict': (_fedpress_v1_Verdict__Output | null);
}
