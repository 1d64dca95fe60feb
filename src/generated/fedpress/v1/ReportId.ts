// Original file: proto/fedpress/v1/common.proto


export interface ReportId {
  'round'?: (number);
  'digest'?: (Buffer | Uint8Array | string);
}

export interface ReportId__Output {
  'round': (number);
  'digest': (Buffer);
}
