// Original file: proto/fedpress/v1/common.proto

import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';
import type { Outcome as _fedpress_v1_Outcome, Outcome__Output as _fedpress_v1_Outcome__Output } from '../../fedpress/v1/Outcome.ts';

export interface Verdict {
  'report'?: (_fedpress_v1_ReportId | null);
  'outcome'?: (_fedpress_v1_Outcome);
  'version'?: (number);
  '_version'?: "version";
}

export interface Verdict__Output {
  'report': (_fedpress_v1_ReportId__Output | null);
  'outcome': (_fedpress_v1_Outcome__Output);
  'version'?: (number);
  '_version'?: "version";
}
