// Original file: proto/fedpress/v1/transfer.proto

import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';
import type { Wanted as _fedpress_v1_Wanted, Wanted__Output as _fedpress_v1_Wanted__Output } from '../../fedpress/v1/Wanted.ts';
import type { Refusal as _fedpress_v1_Refusal, Refusal__Output as _fedpress_v1_Refusal__Output } from '../../fedpress/v1/Refusal.ts';

export interface Standing {
  'accepted'?: (_fedpress_v1_ReportId | null);
  'wanted'?: (_fedpress_v1_Wanted | null);
  'refused'?: (_fedpress_v1_Refusal | null);
  'standing'?: "accepted"|"wanted"|"refused";
}

export interface Standing__Output {
  'accepted'?: (_fedpress_v1_ReportId__Output | null);
  'wanted'?: (_fedpress_v1_Wanted__Output | null);
  'refused'?: (_fedpress_v1_Refusal__Output | null);
  'standing'?: "accepted"|"wanted"|"refused";
}
