// Original file: proto/fedpress/v1/common.proto


export interface HeldModel {
  'version'?: (number);
  'digest'?: (Buffer | Uint8Array | string);
}

export interface HeldModel__Output {
  'version': (number);
  'digest': (Buffer);
}
