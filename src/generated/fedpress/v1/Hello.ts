// Original file: proto/fedpress/v1/session.proto


export interface Hello {
  'protocol'?: (number);
  'clientId'?: (string);
}

export interface Hello__Output {
  'protocol': (number);
  'clientId': (string);
}
