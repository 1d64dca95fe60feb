// Original file: proto/fedpress/v1/transfer.proto

import type { ReportId as _fedpress_v1_ReportId, ReportId__Output as _fedpress_v1_ReportId__Output } from '../../fedpress/v1/ReportId.ts';

export interface ReportHeader {
  'report'?: (_fedpress_v1_ReportId | null);
  'frameBytes'?: (number);
  'offset'?: (number);
}

export interface ReportHeader__Output {
  'report': (_fedpress_v1_ReportId__Output | null);
  'frameBytes': (number);
  'offset': (number);
}
