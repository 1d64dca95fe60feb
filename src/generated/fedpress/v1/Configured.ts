// Original file: proto/fedpress/v1/session.proto

import type { Task as _fedpress_v1_Task, Task__Output as _fedpress_v1_Task__Output } from '../../fedpress/v1/Task.ts';
import type { Verdict as _fedpress_v1_Verdict, Verdict__Output as _fedpress_v1_Verdict__Output } from '../../fedpress/v1/Verdict.ts';

export interface Configured {
  'task'?: (_fedpress_v1_Task | null);
  'verdict'?: (_fedpress_v1_Verdict | null);
}

export interface Configured__Output {
  'task': (_fedpress_v1_Task__Output | null);
  'verdict': (_fedpress_v1_Verdict__Output | null);
}
