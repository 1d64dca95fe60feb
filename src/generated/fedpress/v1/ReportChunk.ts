// Original file: proto/fedpress/v1/transfer.proto

import type { ReportHeader as _fedpress_v1_ReportHeader, ReportHeader__Output as _fedpress_v1_ReportHeader__Output } from '../../fedpress/v1/ReportHeader.ts';

export interface ReportChunk {
  'header'?: (_fedpress_v1_ReportHeader | null);
  'data'?: (Buffer | Uint8Array | string);
}

export interface ReportChunk__Output {
  'header': (_fedpress_v1_ReportHeader__Output | null);
  'data': (Buffer);
}
