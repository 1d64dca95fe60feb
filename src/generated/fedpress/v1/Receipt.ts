// Original file: proto/fedpress/v1/transfer.proto

import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';
import type { Refusal as _fedpress_v1_Refusal, Refusal__Output as _fedpress_v1_Refusal__Output } from '../../fedpress/v1/Refusal.ts';

export interface Receipt {
  'accepted'?: (_fedpress_v1_ReportId | null);
  'refused'?: (_fedpress_v1_Refusal | null);
  'receipt'?: "accepted"|"refused";
}

export interface Receipt__Output {
  'accepted'?: (_fedpress_v1_ReportId__Output | null);
  'refused'?: (_fedpress_v1_Refusal__Output | null);
  'receipt'?: "accepted"|"refused";
}
