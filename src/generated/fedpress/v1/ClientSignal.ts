// Original file: proto/fedpress/v1/session.proto

import type { Hello as _fedpress_v1_Hello, Hello__Output as _fedpress_v1_Hello__Output } from '../../fedpress/v1/Hello.ts';
import type { CheckIn as _fedpress_v1_CheckIn, CheckIn__Output as _fedpress_v1_CheckIn__Output } from '../../fedpress/v1/CheckIn.ts';
import type { Heartbeat as _fedpress_v1_Heartbeat, Heartbeat__Output as _fedpress_v1_Heartbeat__Output } from '../../fedpress/v1/Heartbeat.ts';

export interface ClientSignal {
  'hello'?: (_fedpress_v1_Hello | null);
  'checkIn'?: (_fedpress_v1_CheckIn | null);
  'heartbeat'?: (_fedpress_v1_Heartbeat | null);
  'signal'?: "hello"|"checkIn"|"heartbeat";
}

export interface ClientSignal__Output {
  'hello'?: (_fedpress_v1_Hello__Output | null);
  'checkIn'?: (_fedpress_v1_CheckIn__Output | null);
  'heartbeat'?: (_fedpress_v1_Heartbeat__Output | null);
  'signal'?: "hello"|"checkIn"|"heartbeat";
}
