// Original file: proto/fedpress/v1/session.proto


export interface Welcome {
  'session'?: (Buffer | Uint8Array | string);
}

export interface Welcome__Output {
  'session': (Buffer);
}
