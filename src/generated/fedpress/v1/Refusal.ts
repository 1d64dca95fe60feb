// Original file: proto/fedpress/v1/common.proto


export interface Refusal {
  'code'?: (string);
  'detail'?: (string);
  'retry'?: (boolean);
}

export interface Refusal__Output {
  'code': (string);
  'detail': (string);
  'retry': (boolean);
}
