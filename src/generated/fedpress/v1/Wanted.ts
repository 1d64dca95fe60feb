// Original file: proto/fedpress/v1/transfer.proto


export interface Wanted {
  'receivedBytes'?: (number);
}

export interface Wanted__Output {
  'receivedBytes': (number);
}
