// Original file: proto/fedpress/v1/transfer.proto


export interface ModelHeader {
  'frameBytes'?: (number)[];
}

export interface ModelHeader__Output {
  'frameBytes': (number)[];
}
