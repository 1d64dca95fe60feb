// Original file: proto/fedpress/v1/task.proto


export interface Budget {
  'bytesPerRound'?: (number);
  'secondsPerRound'?: (number | string);
  'rateDistortion'?: (boolean);
  'limit'?: "bytesPerRound"|"secondsPerRound";
}

export interface Budget__Output {
  'bytesPerRound'?: (number);
  'secondsPerRound'?: (number);
  'rateDistortion': (boolean);
  'limit'?: "bytesPerRound"|"secondsPerRound";
}
