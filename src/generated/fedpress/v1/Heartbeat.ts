// Original file: proto/fedpress/v1/session.proto


export interface Heartbeat {
  'round'?: (number);
}

export interface Heartbeat__Output {
  'round': (number);
}
