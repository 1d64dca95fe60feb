// Original file: proto/fedpress/v1/task.proto

import type { Sgd as _fedpress_v1_Sgd, Sgd__Output as _fedpress_v1_Sgd__Output } from '../../fedpress/v1/Sgd.ts';
import type { Adam as _fedpress_v1_Adam, Adam__Output as _fedpress_v1_Adam__Output } from '../../fedpress/v1/Adam.ts';

export interface TrainSettings {
  'epochs'?: (number);
  'batchSize'?: (number);
  'sgd'?: (_fedpress_v1_Sgd | null);
  'adam'?: (_fedpress_v1_Adam | null);
  'optimizer'?: "sgd"|"adam";
}

export interface TrainSettings__Output {
  'epochs': (number);
  'batchSize': (number);
  'sgd'?: (_fedpress_v1_Sgd__Output | null);
  'adam'?: (_fedpress_v1_Adam__Output | null);
  'optimizer'?: "sgd"|"adam";
}
