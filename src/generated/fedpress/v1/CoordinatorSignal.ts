// Original file: proto/fedpress/v1/session.proto

import type { Welcome as _fedpress_v1_Welcome, Welcome__Output as _fedpress_v1_Welcome__Output } from '../../fedpress/v1/Welcome.ts';
import type { Configured as _fedpress_v1_Configured, Configured__Output as _fedpress_v1_Configured__Output } from '../../fedpress/v1/Configured.ts';
import type { Finished as _fedpress_v1_Finished, Finished__Output as _fedpress_v1_Finished__Output } from '../../fedpress/v1/Finished.ts';
import type { Refusal as _fedpress_v1_Refusal, Refusal__Output as _fedpress_v1_Refusal__Output } from '../../fedpress/v1/Refusal.ts';
import type { Heard as _fedpress_v1_Heard, Heard__Output as _fedpress_v1_Heard__Output } from '../../fedpress/v1/Heard.ts';

export interface CoordinatorSignal {
  'welcome'?: (_fedpress_v1_Welcome | null);
  'task'?: (_fedpress_v1_Configured | null);
  'finished'?: (_fedpress_v1_Finished | null);
  'refused'?: (_fedpress_v1_Refusal | null);
  'heard'?: (_fedpress_v1_Heard | null);
  'signal'?: "welcome"|"task"|"finished"|"refused"|"heard";
}

export interface CoordinatorSignal__Output {
  'welcome'?: (_fedpress_v1_Welcome__Output | null);
  'task'?: (_fedpress_v1_Configured__Output | null);
  'finished'?: (_fedpress_v1_Finished__Output | null);
  'refused'?: (_fedpress_v1_Refusal__Output | null);
  'heard'?: (_fedpress_v1_Heard__Output | null);
  'signal'?: "welcome"|"task"|"finished"|"refused"|"heard";
}
