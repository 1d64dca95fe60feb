// Original file: proto/fedpress/v1/common.proto


export interface Refusal {
  'code'?: (string);
  'detail'?: (string);
  'retry'?: (boolean);
  'retryAfterMs'?: (number);
  '_retryAfterMs'?: "retryAfterMs";
}

export interface Refusal__Output {
  'code': (string);
  'detail': (string);
  'retry': (boolean);
  'retryAfterMs'?: (number);
  '_retryAfterMs'?: "retryAfterMs";
}
